"""What families offer that can say which of two answers to a problem is better."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from random import Random
from typing import Literal


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers of as many characters each, which differ in one thing."""

    chosen: str
    rejected: str
    kind: Literal["rule", "fact"]
    """What the rejected answer has wrong: a rule of its form, or one fact."""


class Paired[Problem](ABC):
    """A family whose problems have a better and a worse answer."""

    @abstractmethod
    def pair(self, problem: Problem, random: Random) -> Pair:
        """An answer that `check` accepts, and one that is worse in one thing."""
