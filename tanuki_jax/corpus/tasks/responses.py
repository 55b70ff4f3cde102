"""How checkers read free text: the final answer is what follows the last 「答えは」; without one, the whole response is searched."""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

_STATED = re.compile(r"答え(?:は|:)([^。\n]*)")
_NUMBER = re.compile(r"(?<![\d.,])-?\d+(?:,\d{3})*(?:\.\d+)?(?!\d)")
_HOUR = re.compile(r"(午前|午後)?\s*(\d+)(?:時|:00)")
_MINUS_SIGN = "\u2212"


def plain(response: str) -> str:
    """The response with full-width digits, letters and signs in their usual form (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", response).replace(_MINUS_SIGN, "-")


def with_hours(response: str) -> str:
    """The response as `plain` gives it, with times of day in the form 18時, also where it says 午後6時 or 18:00."""
    return _HOUR.sub(
        lambda found: f"{int(found[2]) % 12 + 12 if found[1] == '午後' else int(found[2])}時", plain(response)
    )


def final_number(response: str) -> Decimal | None:
    """The number that the response settles on: the only one after 「答えは」, or else the last one anywhere."""
    text = plain(response)
    stated = _STATED.findall(text)
    numbers = [Decimal(number.replace(",", "")) for number in _NUMBER.findall(stated[-1] if stated else text)]
    if not numbers or (stated and len(set(numbers)) > 1):
        return None
    return numbers[-1]


def final_name(response: str, names: Sequence[str]) -> str | None:
    """The one of `names` that the response settles on: the only one after 「答えは」, or else the only one anywhere."""
    text = plain(response)
    stated = _STATED.findall(text)
    found = [name for name in names if name in (stated[-1] if stated else text)]
    return found[0] if len(found) == 1 else None
