"""Answers read from free text: from the text after the last 「答えは」, or without 「答えは」 from all of it."""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

_STATED = re.compile(r"答え(?:は|:)([^。\n]*)")
_NUMBER = re.compile(r"(?<![\d.,])-?\d+(?:,\d{3})*(?:\.\d+)?(?!\d)")
_HOUR = re.compile(r"(午前|午後)?\s*(\d+)(?:時|:00)")
_MINUS_SIGN = "\u2212"


def plain(response: str) -> str:
    """Return the response with full-width digits, letters and signs in their usual form (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", response).replace(_MINUS_SIGN, "-")


def with_hours(response: str) -> str:
    """Return the `plain` response with times of day in the form 18時, also those written as 午後6時 or 18:00."""
    return _HOUR.sub(
        lambda match: f"{int(match[2]) % 12 + 12 if match[1] == '午後' else int(match[2])}時", plain(response)
    )


def final_number(response: str) -> Decimal | None:
    """Return the only number after the last 「答えは」, or without 「答えは」 the last number of all; else None."""
    text = plain(response)
    stated = _STATED.findall(text)
    numbers = [Decimal(number.replace(",", "")) for number in _NUMBER.findall(stated[-1] if stated else text)]
    if not numbers or (stated and len(set(numbers)) > 1):
        return None
    return numbers[-1]


def final_name(response: str, names: Sequence[str]) -> str | None:
    """Return the only one of `names` after the last 「答えは」, or without 「答えは」 in all of the text; else None."""
    text = plain(response)
    stated = _STATED.findall(text)
    matches = [name for name in names if name in (stated[-1] if stated else text)]
    return matches[0] if len(matches) == 1 else None
