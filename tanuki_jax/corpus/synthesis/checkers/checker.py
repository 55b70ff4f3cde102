"""Commands about the form of an answer that a program can check."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.config.limits import NonNegativeInt, check_fields
from tanuki_jax.corpus.synthesis.recipe import Language

WORDINGS_DRAWN = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Checker(ABC):
    """A command about the form of an answer, and whether an answer obeys it.

    A kind is a frozen dataclass and a row in `checker_table.py`. For all kinds:
    - White space around an answer does not matter, and an empty answer obeys nothing.
    - Characters are code points of the stripped answer: line breaks and spaces inside count, and a digit of full
      width is not one of half width.
    - A code fence is part of the answer. An answer in a fence obeys only if the command allows a fence, and then
      nothing may stand outside it.
    """

    wording: NonNegativeInt = 0
    """Number that chooses among the wordings of the command."""

    ANSWERS_IN: ClassVar[tuple[Language, ...]] = ("ja", "en")
    """Languages of the answers that the command suits."""
    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]]
    """Language -> commands, with the names of `values` in braces."""

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    @abstractmethod
    def draw(cls, random: Random, language: Language) -> Self:
        """Return a command of this kind with random values.

        Args:
            random: source of the values.
            language: language of the answer, one of `ANSWERS_IN`.
        """

    @abstractmethod
    def holds(self, answer: str) -> bool:
        """Whether a stripped answer, which is not empty, obeys the command."""

    def obeyed(self, answer: str) -> bool:
        """Whether an answer obeys the command."""
        bare = answer.strip()
        return bool(bare) and self.holds(bare)

    def text(self, language: Language) -> str:
        """Return the command in a language."""
        wordings = self.WORDINGS[language]
        return wordings[self.wording % len(wordings)].format(**self.values(language))

    def values(self, language: Language) -> Mapping[str, object]:
        """Return the values that a wording uses."""
        return {}
