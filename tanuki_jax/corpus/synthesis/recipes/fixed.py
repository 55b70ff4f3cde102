"""A question and its answer, and then a command in fixed words, whose obedience code decides."""

from dataclasses import dataclass
from random import Random
from typing import Annotated, ClassVar, Literal, Protocol

from tanuki_jax.config.limits import Limits
from tanuki_jax.corpus.synthesis.exchange import (
    ANSWERS,
    QUESTIONS,
    ask_answer,
    ask_question,
    draw_style,
    made_conversation,
    named,
)
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Language, Recipe, Sampling
from tanuki_jax.corpus.synthesis.replies import parse_verbatim
from tanuki_jax.corpus.synthesis.themes import draw_theme


class CheckedCommand(Protocol):
    """A command to write an answer in some form."""

    def text(self, language: Language) -> str:
        """Return the command as a message of the user."""
        ...

    def obeyed(self, answer: str) -> bool:
        """Whether an answer obeys it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Fixed(Recipe):
    """Conversations of two turns: a question at random, and a command about the form of its answer.

    The commands are written by hand (package `checkers`), and an answer that does not obey is dropped.
    """

    reads: ClassVar[Literal["nothing"]] = "nothing"

    language: Language = "ja"
    """Language of the conversations."""
    genres: Annotated[int, Limits(at_least=1, at_most=5)] = 2
    """Number of genres that the first question joins."""
    unit_share: Annotated[float, Limits(at_least=0, at_most=1)] = 0.1
    """Share of first questions on a unit of Japan's courses of study, and on no genres."""
    persona_share: Annotated[float, Limits(at_least=0, at_most=1)] = 0.8
    """Share of first questions that a person with a job and a character asks."""
    questions: Sampling = QUESTIONS
    """Settings for first questions."""
    answers: Sampling = ANSWERS
    """Settings for both answers."""

    def draw_command(self, random: Random) -> CheckedCommand:
        """Return a command at random."""
        from tanuki_jax.corpus.synthesis.checkers.checker_table import draw

        return draw(random, self.language)

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests for one conversation."""
        theme = draw_theme(
            random,
            self.language,
            genres=self.genres,
            unit_share=self.unit_share,
            persona_share=self.persona_share,
        )
        style, command = draw_style(random, self.language), self.draw_command(random)
        question = yield from ask_question(theme, self.language, self.questions)
        answer = yield from ask_answer(question, style, self.language, self.answers)
        said = command.text(self.language)
        reply = yield Ask(
            template=f"fixed/obey.{self.language}.jinja",
            values={"turns": named([question, answer]), "command": said},
            sampling=self.answers,
        )
        second = parse_verbatim(reply.text)
        if not command.obeyed(second):
            raise Dropped("the answer does not obey the command")
        choices = {**theme.metadata, "checker": type(command).__name__}
        return made_conversation(
            item,
            [question, answer, said, second],
            recipe="fixed",
            style="fixed",
            language=self.language,
            choices=choices,
        )
