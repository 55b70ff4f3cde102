"""New answers to the questions of conversations, such as those of people, whose answers are often short."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal

from tanuki_jax.corpus.synthesis.exchange import ANSWERS, draw_style, first_exchange, made_conversation
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Language, Recipe, Sampling
from tanuki_jax.corpus.synthesis.replies import parse_answer


@dataclass(frozen=True, kw_only=True)
class Reanswer(Recipe):
    """A new answer to the first question of a conversation, in place of the old one, which the teacher does not see."""

    reads: ClassVar[Literal["conversations"]] = "conversations"

    language: Language = "ja"
    """Language of the answers."""
    answers: Sampling = ANSWERS
    """Settings for answers."""

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the request for one answer."""
        question, old = first_exchange(item.record)
        style = draw_style(random, self.language)
        template = f"reanswer/answer.{self.language}.jinja"
        reply = yield Ask(template, {"question": question, "style": style}, self.answers)
        answer = parse_answer(reply.text)
        if answer == old:
            raise Dropped("the answer is the old one")
        return made_conversation(
            item, [question, answer], recipe="reanswer", style=style, language=self.language, choices={}
        )
