"""Questions around words at random, and their answers."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Annotated, ClassVar, Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import Limits, check_tuples
from tanuki_jax.corpus.synthesis.exchange import ANSWERS, QUESTIONS, ask_answer, draw_style, made_conversation
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Language, Recipe, Sampling
from tanuki_jax.corpus.synthesis.replies import parse_question
from tanuki_jax.corpus.synthesis.word_lists import draw, entries


@dataclass(frozen=True, kw_only=True)
class Keyword(Recipe):
    """A question that uses words at random in a natural way, and its answer."""

    reads: ClassVar[Literal["nothing"]] = "nothing"

    language: Language = "ja"
    """Language of the questions and answers."""
    words: tuple[str, ...] = ()
    """Words to draw from; none: a list of about 170 nouns of daily life that comes with the package."""
    count: Annotated[int, Limits(at_least=1, at_most=5)] = 2
    """Number of words of a question."""
    questions: Sampling = QUESTIONS
    """Settings for questions."""
    answers: Sampling = ANSWERS
    """Settings for answers."""

    def __post_init__(self) -> None:
        check_tuples(self)
        if self.words and len(set(self.words)) < self.count:
            raise InputError(f"words are {len(set(self.words))}, and count is {self.count}; give more words")

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests for one question and its answer."""
        words = sorted(set(self.words)) or [entry.text(self.language) for entry in entries("nouns")]
        drawn = tuple(random.sample(words, self.count))
        task, style = draw(random, "tasks", self.language), draw_style(random, self.language)
        template = f"keyword/question.{self.language}.jinja"
        reply = yield Ask(template, {"words": drawn, "task": task}, self.questions)
        question = parse_keyword_question(reply.text, drawn)
        answer = yield from ask_answer(question, style, self.language, self.answers)
        choices = {"words": [*drawn], "task": task}
        return made_conversation(
            item, [question, answer], recipe="keyword", style=style, language=self.language, choices=choices
        )


def parse_keyword_question(text: str, words: Sequence[str]) -> str:
    """Return a question that has all of the words, in any width and case.

    Raises:
        Dropped: it has not, or is none.
    """
    question = parse_question(text)
    if not all(_folded(word) in _folded(question) for word in words):
        raise Dropped("a word is missing in the question")
    return question


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
