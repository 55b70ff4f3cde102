"""Cells of a table and the kinds of its columns.

A cell of a number may state more than a number. The rules, after NFKC (full-width digits and brackets become ASCII):

- empty, `-` or a remark in brackets alone, as in `(報告無し)`: there is no number;
- a number, as in `0.57` or `2.00E-05`, perhaps with a remark in brackets behind it, as in `5.3 (a continued model)`;
- a range, as in `4.9-5.0 (submitted: 4.6)`: its middle, 4.95.

The text of the cell is kept as it is and shown.
"""

import dataclasses
import math
import re
import unicodedata
from typing import Literal, get_args

Kind = Literal["key", "text", "number", "flag"]
"""Kinds of columns: names of the rows, text, numbers, and 0 or 1."""
KINDS: tuple[str, ...] = get_args(Kind)
Direction = Literal["higher", "lower", ""]
"""The better side of a column; empty: neither, as for a number of tokens."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_STATED = re.compile(rf"({_NUMBER})(?:\s*[-~]\s*({_NUMBER}))?\s*(?:\(.*\))?")
_REMARK = re.compile(r"-?|\(.*\)")


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    kind: Kind = "number"
    direction: Direction = ""
    meaning: str = ""
    """Meaning of the numbers in a few words; empty: the name says it."""

    @property
    def measures(self) -> bool:
        """Whether the cells are numbers."""
        return self.kind in ("number", "flag")


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell, as it is stated and as a number."""

    text: str
    number: float | None = None
    """None: the cell states no number, or the column is one of text."""


def read_cell(text: str, kind: Kind) -> Cell:
    """Return a cell of a column of that kind.

    Raises:
        ValueError: the column is one of numbers or flags, and the text is none by the rules of this file.
    """
    if kind not in ("number", "flag"):
        return Cell(text)
    plain = unicodedata.normalize("NFKC", text).strip()
    if _REMARK.fullmatch(plain):
        return Cell(text)
    stated = _STATED.fullmatch(plain)
    if stated is None or (kind == "flag" and plain not in ("0", "1")):
        raise ValueError(f"{text!r} is not {'a number' if kind == 'number' else '0 or 1'}")
    low, high = float(stated[1]), float(stated[2] or stated[1])
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{text!r} is beyond the range of numbers")
    if high < low:
        raise ValueError(f"{text!r} is a range that ends below its beginning")
    return Cell(text, low if stated[2] is None else low / 2 + high / 2)


def model_key(name: str) -> str:
    """Return a model's name as tables are joined by it: in lower case, without the organization before a slash, and
    with hyphens for spaces and underscores."""
    plain = unicodedata.normalize("NFKC", name).strip().casefold().rpartition("/")[2]
    return re.sub(r"[\s_]+", "-", plain)
