"""Questions and answers from themes at random, in one turn or in several, or in the four fields of Tanuki's example."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Annotated, ClassVar, Literal

from tanuki_jax.config.limits import Limits
from tanuki_jax.corpus.synthesis.exchange import (
    ANSWERS,
    QUESTIONS,
    Asked,
    ask_answer,
    ask_question,
    draw_style,
    made_conversation,
    named,
)
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Language, Recipe, Sampling
from tanuki_jax.corpus.synthesis.replies import parse_answer, parse_object, parse_question
from tanuki_jax.corpus.synthesis.themes import Theme, draw_theme
from tanuki_jax.corpus.synthesis.word_lists import draw

FIELDS = ("question", "answer", "follow_ups", "report")
_TEXT = {"type": "string", "minLength": 1}
SCHEMA = {
    "type": "object",
    "properties": {
        "question": _TEXT,
        "answer": _TEXT,
        "follow_ups": {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 4},
        "report": _TEXT,
    },
    "required": list(FIELDS),
    "additionalProperties": False,
}
"""JSON schema of the four fields."""


@dataclass(frozen=True, kw_only=True)
class Instruct(Recipe):
    """Conversations on themes at random: the teacher invents the question, and answers it in a further request.

    The four fields are question, dialogue-like answer, follow-up questions and report-like answer, by one request; they
    become a conversation of two questions, the second of which is all follow-up questions together.
    """

    reads: ClassVar[Literal["nothing"]] = "nothing"

    language: Language = "ja"
    """Language of the conversations."""
    form: Literal["turns", "four_fields"] = "turns"
    """Form of a conversation: questions and answers in turn, or the four fields."""
    turns: Annotated[int, Limits(at_least=1, at_most=8)] = 1
    """Number of questions of a conversation in turns."""
    genres: Annotated[int, Limits(at_least=1, at_most=5)] = 2
    """Number of genres that a question joins."""
    unit_share: Annotated[float, Limits(at_least=0, at_most=1)] = 0.3
    """Share of questions on a unit of Japan's courses of study, and on no genres."""
    persona_share: Annotated[float, Limits(at_least=0, at_most=1)] = 0.5
    """Share of questions that a person with a job and a character asks."""
    questions: Sampling = QUESTIONS
    """Settings for questions, and for the four fields."""
    answers: Sampling = ANSWERS
    """Settings for answers."""

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests for one conversation."""
        theme = draw_theme(
            random,
            self.language,
            genres=self.genres,
            unit_share=self.unit_share,
            persona_share=self.persona_share,
        )
        if self.form == "four_fields":
            return (yield from self._four_fields(item, theme))
        style = draw_style(random, self.language)
        question = yield from ask_question(theme, self.language, self.questions)
        turns = [question, (yield from ask_answer(question, style, self.language, self.answers))]
        follow_ups = []
        for _ in range(self.turns - 1):
            follow_ups.append(draw(random, "follow_ups", self.language))
            turns.append((yield from self._follow_up(turns, follow_ups[-1], theme.persona)))
            turns.append((yield from self._next_answer(turns, style)))
        choices = {**theme.metadata, "follow_ups": follow_ups} if follow_ups else theme.metadata
        return self._made(item, turns, style, choices)

    def _follow_up(self, turns: list[str], kind: str, persona: str) -> Asked:
        """Return the next question."""
        values = {"turns": named(turns), "kind": kind, "persona": persona}
        template = f"instruct/follow_up.{self.language}.jinja"
        reply = yield Ask(template=template, values=values, sampling=self.questions)
        question = parse_question(reply.text)
        if question in turns:
            raise Dropped("the follow-up question repeats a turn")
        return question

    def _next_answer(self, turns: list[str], style: str) -> Asked:
        """Return the answer to the last turn."""
        values = {"turns": named(turns[:-1]), "question": turns[-1], "style": style}
        template = f"instruct/next_answer.{self.language}.jinja"
        reply = yield Ask(template=template, values=values, sampling=self.answers)
        return parse_answer(reply.text)

    def _four_fields(self, item: Item, theme: Theme) -> Chain:
        reply = yield Ask(
            template=f"instruct/four_fields.{self.language}.jinja",
            values=theme.values,
            sampling=self.questions,
            schema=SCHEMA,
        )
        question, answer, follow_ups, report = parse_four_fields(reply.text)
        return self._made(item, [question, answer, "\n".join(follow_ups), report], "four fields", theme.metadata)

    def _made(self, item: Item, turns: list[str], style: str, choices: Mapping[str, object]) -> Made:
        return made_conversation(item, turns, recipe="instruct", style=style, language=self.language, choices=choices)


def parse_four_fields(text: str) -> tuple[str, str, tuple[str, ...], str]:
    """Return question, answer, follow-up questions and report of a JSON object.

    Raises:
        Dropped: it is none, or a field is empty or of another kind.
    """
    fields = parse_object(text, FIELDS)
    question, answer, follow_ups, report = (fields[name] for name in FIELDS)
    texts = [question, answer, report, *(follow_ups if isinstance(follow_ups, list) else [None])]
    if not follow_ups or not all(isinstance(text, str) and text.strip() for text in texts):
        raise Dropped("a field is empty or of another kind")
    listed = tuple(parse_question(follow_up) for follow_up in follow_ups)
    return parse_question(question), parse_answer(answer), listed, parse_answer(report)
