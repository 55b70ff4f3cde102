"""Questions that resemble those of conversations, and their answers."""

import unicodedata
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal

from tanuki_jax.corpus.synthesis.exchange import (
    ANSWERS,
    QUESTIONS,
    ask_answer,
    draw_style,
    first_exchange,
    made_conversation,
)
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Language, Recipe, Sampling
from tanuki_jax.corpus.synthesis.replies import parse_question
from tanuki_jax.corpus.synthesis.word_lists import draw


@dataclass(frozen=True, kw_only=True)
class Similar(Recipe):
    """A question that resembles the first one of a conversation in a way at random, and its answer."""

    reads: ClassVar[Literal["conversations"]] = "conversations"

    language: Language = "ja"
    """Language of the questions and answers."""
    questions: Sampling = QUESTIONS
    """Settings for questions."""
    answers: Sampling = ANSWERS
    """Settings for answers."""

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests for one question and its answer."""
        given, _ = first_exchange(item.record)
        kind, style = draw(random, "similarities", self.language), draw_style(random, self.language)
        template = f"similar/question.{self.language}.jinja"
        reply = yield Ask(template, {"question": given, "kind": kind}, self.questions)
        question = parse_question(reply.text)
        if _bare(question) == _bare(given):
            raise Dropped("the question is the given one")
        answer = yield from ask_answer(question, style, self.language, self.answers)
        choices = {"similarity": kind}
        return made_conversation(
            item, [question, answer], recipe="similar", style=style, language=self.language, choices=choices
        )


def _bare(text: str) -> str:
    """Return the letters and digits of a text, in one width and case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))
