"""Battles: two models answered the same message, and somebody judged which answer is better."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError

type Winner = Literal["model_a", "model_b", "tie", "both_bad"]
type Label = Literal["category", "language", "round", "voter", "cluster"]

WINNERS: tuple[str, ...] = get_args(Winner.__value__)
LABELS: tuple[str, ...] = get_args(Label.__value__)
SCORES: Mapping[str, float] = MappingProxyType({"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5})
"""Score of model A: a tie, and a battle of two bad answers, is half a win for each (as the deck's board counts)."""


@dataclass(frozen=True, slots=True)
class Battle:
    """One vote. A name with blanks around it, a winner that is no winner or a bad number is an InputError."""

    model_a: str
    model_b: str
    winner: Winner
    category: str = ""
    language: str = ""
    round: str = ""
    voter: str = ""
    """Pseudonym of the person who voted."""
    cluster: str = ""
    """Name that battles share which are not independent, such as both orders of one question."""
    weight: float = 1.0
    style_a: Mapping[str, float] = field(default_factory=dict)
    """Features of the answer of model A, such as its length: numbers that are not negative."""
    style_b: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values."""
        for side, name in (("model_a", self.model_a), ("model_b", self.model_b)):
            if not name or name != name.strip():
                raise InputError(f"{side} is {name!r}, and must be a name without blanks around it")
        if self.model_a == self.model_b:
            raise InputError(f"{self.model_a!r} battles against itself; a battle has two models")
        if self.winner not in WINNERS:
            raise InputError(f"the winner is {self.winner!r}, and must be one of {', '.join(WINNERS)}")
        if not 0 < self.weight < math.inf:
            raise InputError(f"the weight is {self.weight}, and must be a finite number above 0")
        for style in (self.style_a, self.style_b):
            for name, value in style.items():
                if not 0 <= value < math.inf:
                    raise InputError(f"the feature {name} is {value}, and must be a finite number of at least 0")


class BattleArrays(NamedTuple):
    """Battles as arrays in the order of the battles; the model that is first in `models` stands first in a battle."""

    models: tuple[str, ...]
    """Names of the models that have battles, sorted."""
    first: npt.NDArray[np.intp]
    """[N], index of the model that stands first; lower than that of the second."""
    second: npt.NDArray[np.intp]
    score: npt.NDArray[np.float64]
    """[N], share of the win that the first model has: 0, .5 or 1."""
    weight: npt.NDArray[np.float64]
    swapped: npt.NDArray[np.bool_]
    """[N], whether the model that stands first was model B."""


def as_arrays(battles: Iterable[Battle]) -> BattleArrays:
    """Return battles as arrays. Which model was A has no influence on them, except on `swapped`."""
    rows = list(battles)
    models = tuple(sorted({name for row in rows for name in (row.model_a, row.model_b)}))
    place = {name: index for index, name in enumerate(models)}
    a = np.array([place[row.model_a] for row in rows], np.intp)
    b = np.array([place[row.model_b] for row in rows], np.intp)
    score = np.array([SCORES[row.winner] for row in rows], np.float64)
    swapped = a > b
    return BattleArrays(
        models,
        np.minimum(a, b),
        np.maximum(a, b),
        np.where(swapped, 1 - score, score),
        np.array([row.weight for row in rows], np.float64),
        swapped,
    )


def split_by(battles: Iterable[Battle], label: Label) -> dict[str, list[Battle]]:
    """Return the battles of each category, language, round, voter or cluster, sorted by its name.

    Battles without the label are under the empty name.
    """
    groups: dict[str, list[Battle]] = {}
    for battle in battles:
        groups.setdefault(getattr(battle, label), []).append(battle)
    return dict(sorted(groups.items()))
