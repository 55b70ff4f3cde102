"""Layouts, in which a few items are written, and the regular expression that a text of such a layout matches from end to end."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tanuki_jax.corpus.tasks.contents import Content

type Digits = Literal["as given", "half-width", "full-width"]

_HALF, _FULL = "0123456789", "０１２３４５６７８９"
_TO_FULL = str.maketrans(_HALF, _FULL)
_ANY_ITEM = {"as given": r"\w+", "half-width": f"[{_HALF}]+", "full-width": f"[{_FULL}]+"}
_BLANK = "\ue000"


@dataclass(frozen=True, slots=True)
class Layout:
    """How items are written one after another."""

    each: str
    """An item: a format of `item`, its `label`, its `number` from 1, and that number in full width (`full`)."""
    between: str = "\n"
    before: str = ""
    after: str = ""
    digits: Digits = "as given"
    """The width of items that are numbers; they are given in half width."""

    def write(self, contents: Sequence[Content]) -> str:
        """The contents in this layout."""
        parts = [
            self.each.format(
                label=label,
                item=full_width(item) if self.digits == "full-width" else item,
                number=number,
                full=full_width(str(number)),
            )
            for number, (label, item) in enumerate(contents, 1)
        ]
        return f"{self.before}{self.between.join(parts)}{self.after}"

    def matches(self, contents: Sequence[Content], response: str, before: str = "", after: str = "") -> bool:
        """Whether the response, between `before` and `after`, has this layout: any words, as many as there are contents."""
        form = self.write([Content(label, _BLANK) for label, _ in contents])
        pattern = re.escape(f"{before}{form}{after}").replace(_BLANK, _ANY_ITEM[self.digits])
        return re.fullmatch(pattern, response) is not None


class Formatted[Problem](ABC):
    """A family whose answers have an exact form."""

    @abstractmethod
    def check_format(self, problem: Problem, response: str) -> bool:
        """Whether the whole response has the form that the problem asks for, right or wrong as its items may be."""


def full_width(text: str) -> str:
    """The text with full-width digits."""
    return text.translate(_TO_FULL)
