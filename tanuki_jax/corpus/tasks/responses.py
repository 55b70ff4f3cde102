"""Answers read from free text: from the text after the last 「答えは」, or without 「答えは」 from all of it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

_STATED = re.compile(r"答え[*_]*(?:は|:)[*_]*\s*([^。\n]*)")
_NUMBER = re.compile(r"(?<![\d.,])-?\d+(?:,\d{3})*(?:\.\d+)?(?!\d)")
_HOUR = re.compile(r"(午前|午後)?\s*(\d+)(?:時|:00)")
_MINUS_SIGN = "\u2212"
_MIXED = re.compile("(?<=[0-9０-９])(?=[¼½¾⅐-⅞])")
_RESTATED = re.compile(r"(?<=[\d%π}個円])\s*\((?:約|およそ|=|≒)[^()]*\)")
"""Value once more in brackets, such as (約97.2%)."""
_EXPONENT = re.compile(r"((?<![A-Za-z])(?:[ckm]?m|[ckm]?m\})|\\text\{[^}]*\}|\\mathrm\{[^}]*\})\s*\^?\{?[23]\}?(?!\d)")
"""Unit of area or volume, such as cm2, whose exponent is no number of the answer."""
_UNSIGNED = r"\d+(?:,\d{3})*(?:\.\d+)?"
_ROOT = r"(?:√\(?|\\sqrt\s*\{?)\s*(?P<NAME>\d+)[})]?"
_BELOW = r"[1-9]\d*"
_QUANTITY = re.compile(
    r"(?P<sign>(?<![\d)}])(?<![\d)}] )-)?\s*(?:"
    # \frac{3\sqrt{5}}{2}, with a whole number before it or π in it
    r"(?:(?P<whole>\d+)\s*(?:と\s*)?)?\\[dt]?frac\s*"
    rf"\{{\s*(?P<top>{_UNSIGNED})?\s*(?:{_ROOT.replace('NAME', 'topped')})?"
    rf"(?:\s*(?:π|\\pi))?\s*\}}\s*\{{\s*(?P<bottom>{_BELOW})\s*\}}"
    # 1と3分の2
    rf"|(?:(?P<wholes>\d+)と)?(?P<below>{_BELOW})分の(?P<above>{_UNSIGNED})"
    # 3√5/2
    rf"|(?P<number>{_UNSIGNED})?\s*{_ROOT.replace('NAME', 'radicand')}(?:\s*/\s*(?P<under>{_BELOW}))?"
    # 35/36, 1と2/3, 16π/3, 72.5%
    rf"|(?:(?P<mixed>\d+)\s*と\s*(?=\d+\s*[/⁄]))?(?P<plain>{_UNSIGNED})\s*(?:π\s*|\\pi\s*)?(?:[/⁄]\s*(?P<divisor>{_BELOW}))?(?:\s*(?P<percent>%|パーセント))?"
    # π/2
    rf"|(?:π|\\pi)(?:\s*/\s*(?P<parts>{_BELOW}))?"
    r")(?:\s*(?:π|\\pi))?"
)


def plain(response: str) -> str:
    """Return the response with digits, letters and signs in their usual form (Unicode NFKC); 3½ becomes 3と1⁄2."""
    return unicodedata.normalize("NFKC", _MIXED.sub("と", response)).replace(_MINUS_SIGN, "-")


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


@dataclass(frozen=True, slots=True)
class Root:
    """Number times the square root of a whole number, or times π."""

    factor: Fraction
    of: int
    """Number under the root; 0 stands for π instead of a root."""

    def __str__(self) -> str:
        """Return the usual way to write it, such as 3√5, √3/2 or 36π."""
        sign = "π" if self.of == 0 else f"√{self.of}"
        top, bottom = abs(self.factor.numerator), self.factor.denominator
        return f"{'-' if self.factor < 0 else ''}{top if top > 1 else ''}{sign}{f'/{bottom}' if bottom > 1 else ''}"


def final_statement(response: str) -> str:
    """Return the `plain` text after the last 「答えは」 up to the end of the sentence; without it, the whole text."""
    text = plain(response)
    stated = _STATED.findall(text)
    return stated[-1].strip() if stated else text.strip()


def final_quantities(response: str) -> tuple[Fraction | Root, ...]:
    """Return the numbers after the last 「答えは」, or without 「答えは」 the last number of all; empty: there is none.

    Fractions may be written 35/36, 36分の35, 1と2分の1 or as in LaTeX; 50% is a half; 3√5 and 36π are one number each.
    A value that is stated once more in brackets, such as (約97.2%), is one number.
    """
    text = plain(response)
    stated = _STATED.findall(text)
    bare = _RESTATED.sub("", (stated[-1] if stated else text).replace("$", ""))
    quantities = [_quantity(match) for match in _QUANTITY.finditer(_EXPONENT.sub(r"\1", bare))]
    return tuple(quantities) if stated else tuple(quantities[-1:])


def _quantity(match: re.Match[str]) -> Fraction | Root:
    part = match.groupdict()
    factor = Fraction((part["top"] or part["above"] or part["number"] or part["plain"] or "1").replace(",", ""))
    factor /= int(part["bottom"] or part["below"] or part["under"] or part["divisor"] or part["parts"] or 1)
    factor += int(part["whole"] or part["wholes"] or part["mixed"] or 0)
    if part["percent"]:
        factor /= 100
    if part["sign"]:
        factor = -factor
    radicand = part["topped"] or part["radicand"]
    if radicand:
        return Root(factor, int(radicand))
    return Root(factor, 0) if "π" in match[0] or "\\pi" in match[0] else factor
