"""The four tiers of models that the deck's questions on two dice tell apart.

Source: the talk of February 2025 (mathematics). Question 2 asks for the probability that the sum of two dice is at
least 3, 2a for the same by listing all pairs, 2b for the same by the complement, step by step.
"""

import enum
from collections.abc import Mapping, Sequence

from tanuki_jax.evaluation.tables.read_table import OutsideTable

COLUMNS = ("q2", "q2_complement", "q2a", "q2b")
"""Columns, 1 or 0, of a table that has tiers."""


class Tier(enum.Enum):
    """A tier; its value is its name in reports."""

    HIGH = "high"
    KNOWS_TRICK = "knows the trick"
    MUST_BE_TOLD = "must be told"
    LOW = "low"
    OTHER = "other"

    @property
    def rule(self) -> str:
        """Return the answers that make the tier, in words."""
        return {
            Tier.HIGH: "2, 2a and 2b right",
            Tier.KNOWS_TRICK: "2 by the complement and 2b right, 2a wrong",
            Tier.MUST_BE_TOLD: "of 2, 2a and 2b only 2b right",
            Tier.LOW: "2, 2a and 2b wrong",
            Tier.OTHER: "any other answers",
        }[self]


def tier_of(*, q2: bool, q2_complement: bool, q2a: bool, q2b: bool) -> Tier:
    """Return the tier of a model.

    Args:
        q2: whether its answer to question 2 is right.
        q2_complement: whether this answer uses the complement.
        q2a: whether it is right by listing the pairs.
        q2b: whether it is right by the complement, step by step.
    """
    if q2 and q2a and q2b:
        return Tier.HIGH
    if q2 and q2_complement and q2b:
        return Tier.KNOWS_TRICK
    if q2b and not q2 and not q2a:
        return Tier.MUST_BE_TOLD
    return Tier.OTHER if q2 or q2a or q2b else Tier.LOW


def has_tiers(table: OutsideTable) -> bool:
    """Whether a table has the columns from which the tiers follow."""
    return {*COLUMNS} <= {column.name for column in table.columns if column.measures}


def tiers_of(table: OutsideTable) -> dict[str, Tier]:
    """Return label -> tier of the rows of a table that has tiers; rows without one of the answers are left out."""
    answers = {row.label: {name: row.cells[name].number for name in COLUMNS} for row in table.rows}
    return {
        label: tier_of(**{name: bool(value) for name, value in each.items()})
        for label, each in answers.items()
        if None not in each.values()
    }


def models_by_tier(tiers: Mapping[str, Tier]) -> Sequence[tuple[Tier, list[str]]]:
    """Return each tier with the models in it, from high to other."""
    return [(tier, [label for label, each in tiers.items() if each is tier]) for tier in Tier]
