"""Layouts in which a few items are written, and recognized again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tanuki_jax.corpus.tasks.contents import Content

type Digits = Literal["unchanged", "half-width", "full-width"]

_HALF, _FULL = "0123456789", "０１２３４５６７８９"
_TO_FULL = str.maketrans(_HALF, _FULL)
_ANY_ITEM = {"unchanged": r"\w+", "half-width": f"[{_HALF}]+", "full-width": f"[{_FULL}]+"}
_BLANK = "\ue000"  # stands for an item in a pattern; a private character, so no text has it


@dataclass(frozen=True, slots=True)
class Layout:
    """The signs before, between and after items."""

    each: str
    """Format of one item: `item`, its `label`, its `number` from 1, and that number in full width (`full`)."""
    between: str = "\n"
    before: str = ""
    after: str = ""
    digits: Digits = "unchanged"
    """Width in which items that are numbers are written; in `contents` they have half width."""

    def write(self, contents: Sequence[Content]) -> str:
        """Write the contents in this layout."""
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
        """Whether the response is `before`, as many words as contents in this layout, and `after`."""
        # Write the layout with blanks for items, escape it, and let each blank match any word.
        form = self.write([Content(label, _BLANK) for label, _ in contents])
        pattern = re.escape(f"{before}{form}{after}").replace(_BLANK, _ANY_ITEM[self.digits])
        return re.fullmatch(pattern, response) is not None


def full_width(text: str) -> str:
    """Return the text with full-width digits."""
    return text.translate(_TO_FULL)
