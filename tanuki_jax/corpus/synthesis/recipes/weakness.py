"""Records for what a model answered badly, from the plan that `evaluate` makes."""

import difflib
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Annotated, ClassVar

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import Limits
from tanuki_jax.corpus.records.types import Record
from tanuki_jax.corpus.synthesis.checkers.checker import Checker
from tanuki_jax.corpus.synthesis.checkers.checker_table import CHECKERS
from tanuki_jax.corpus.synthesis.exchange import (
    ANSWERS,
    QUESTIONS,
    ask_answer,
    ask_question,
    draw_style,
    made_conversation,
)
from tanuki_jax.corpus.synthesis.recipe import Chain, Item, Language, Reads, Recipe, Sampling, seed_of
from tanuki_jax.corpus.synthesis.recipes.by_rule import ByRule
from tanuki_jax.corpus.synthesis.recipes.fixed import Fixed
from tanuki_jax.corpus.synthesis.themes import draw_theme
from tanuki_jax.corpus.tasks.registry import FAMILIES

KINDS = ("family", "category", "format")
"""Kinds of what may be weak."""


@dataclass(frozen=True, kw_only=True)
class _FixedOfKind(Fixed):
    """The recipe of commands, with commands of one kind."""

    checker: str
    """Name of the kind."""

    def draw_command(self, random: Random) -> Checker:
        """Return a command of the kind at random."""
        return CHECKERS[self.checker].draw(random, self.language)


@dataclass(frozen=True, kw_only=True)
class Weakness(Recipe):
    """Write records for each row of a plan: `kind`, `name`, and how many are `missing`.

    A row of the kind family names a family of tasks, whose problems are written by rule; category names a theme, on
    which the teacher invents questions; format names a kind of command (package `checkers`), whose obedience code
    decides.
    """

    language: Language = "ja"
    """Language of the records."""
    surplus: Annotated[float, Limits(at_least=1, at_most=100)] = 1.2
    """Number of items for each missing record, because some are dropped."""
    questions: Sampling = QUESTIONS
    """Settings for questions."""
    answers: Sampling = ANSWERS
    """Settings for answers."""

    reads: ClassVar[Reads] = "rows"

    def items(self, record: Record, key: str) -> Iterator[Item]:
        """Yield as many items as records are missing, and some more. InputError if the row is none of such a plan."""
        kind, name, missing = _row(record)
        # The key has the whole row, so that another plan gives other problems.
        run, row = key.partition("/")[0], seed_of(sorted(record.metadata.items(), key=str))
        for number in range(math.ceil(missing * (1 if kind == "family" else self.surplus))):
            yield Item(f"{run}/{kind}-{name}/{row:016x}/{number}", record=record)

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests for one record; a family needs none."""
        assert item.record is not None
        kind, name, _ = _row(item.record)
        plain = replace(item, record=None)
        match kind:
            case "family":
                return (yield from ByRule(families=(name,)).chain(plain, random))
            case "format":
                fixed = _FixedOfKind(
                    checker=name, language=self.language, questions=self.questions, answers=self.answers
                )
                return (yield from fixed.chain(plain, random))
        theme = draw_theme(random, self.language, genres=1, unit_share=0.0, persona_share=0.5)
        theme, style = replace(theme, genres=(name,)), draw_style(random, self.language)
        question = yield from ask_question(theme, self.language, self.questions)
        answer = yield from ask_answer(question, style, self.language, self.answers)
        return made_conversation(
            plain,
            [question, answer],
            recipe="weakness",
            style=style,
            language=self.language,
            choices=theme.metadata,
        )


def _row(record: Record) -> tuple[str, str, int]:
    """Return kind, name and number of missing records of a row of a plan. InputError if it is none."""
    fields, place = record.metadata, record.id
    kind, name, missing = fields.get("kind"), fields.get("name"), fields.get("missing")
    if kind not in KINDS or not isinstance(name, str) or not name.strip() or type(missing) is not int or missing < 0:
        raise InputError(
            f"{place} is no row of a plan: it needs kind ({', '.join(KINDS)}), name, and missing, a whole number"
        )
    known: Collection[str] = {"family": FAMILIES, "format": CHECKERS}.get(kind, ())
    if kind != "category" and name not in known:
        [near] = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        raise InputError(f"{place} names the {kind} {name!r}, which there is not; the nearest is {near!r}")
    return kind, name, missing
