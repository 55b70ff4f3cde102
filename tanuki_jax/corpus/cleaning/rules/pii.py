"""Mask what identifies a private person."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from tanuki_jax.corpus.cleaning.draft import Draft

EMAIL = "email@example.com"
"""Address that replaces every e-mail address."""
PHONE = "000-0000-0000"
"""Number that replaces every telephone number."""
POST_CODE = "〒000-0000"
"""Code that replaces every Japanese post code with its sign 〒."""
IP_ADDRESS = "192.0.2.1"
"""Address for documentation (RFC 5737) that replaces every public address of the Internet Protocol."""
CARD = "0000-0000-0000-0000"
"""Number that replaces every number of a payment card."""

# Every pattern begins where no neighbour continues it and repeats a bounded number of times, so that no text makes it
# slow. "・" stands for the dashes that Japanese pages put between groups of digits.
_DASH = "[-‐‑‒–—―−ー－.・ 　]"
_NUMBER = "[0-9０-９]"
_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9][\w.+%-]{0,63}[@＠](?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])", re.ASCII
)
_PHONE = re.compile(
    r"(?<![0-9０-９A-Za-z_.,=/%-])(?:"
    rf"(?:[+＋]81{_DASH}?(?:[(（]0[)）])?[1-9]{_NUMBER}{{0,3}}{_DASH}"  # +81 3
    rf"|[(（][0０][1-9１-９]{_NUMBER}{{0,3}}[)）]{_DASH}?"  # (03)
    rf"|[0０][1-9１-９]{_NUMBER}{{0,3}}(?:[(（]|{_DASH}))"  # 03- or 03(
    rf"{_NUMBER}{{1,4}}(?:[)）]|{_DASH}){_NUMBER}{{3,4}}(?!{_NUMBER}|[-.,][0-9])"
    rf"|[0０][5-9５-９][0０]{_NUMBER}{{8}}(?!{_NUMBER}))"
)
_LABELLED_PHONE = re.compile(
    r"((?:TEL|Tel|tel|ＴＥＬ|FAX|Fax|fax|ＦＡＸ|電話番号|電話|携帯|ファックス|ファクス|フリーダイヤル)[.:： 　]{0,3})"
    r"[0０][0-9０-９]{8,10}(?![0-9０-９])"
)
_POST_CODE = re.compile(r"〒[ 　]?[0-9０-９]{3}[-‐−ー－]?[0-9０-９]{4}(?![0-9０-９])")
_IPV4 = re.compile(r"(?<![0-9A-Za-z.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z]|\.[0-9])")
_VERSION = re.compile(r"(?:v|ver\.?|version|バージョン|版|rev\.?|build|ビルド)[ :：]?$", re.IGNORECASE)
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{1,4}:{1,2}){3,7}[0-9A-Fa-f]{1,4}(?![0-9A-Za-z:])")
_CARD = re.compile(
    r"(?<![0-9A-Za-z.,-])(?:[2-6][0-9]{3}([- ])[0-9]{4}\1[0-9]{4}\1[0-9]{4}|3[47][0-9]{2}([- ])[0-9]{6}\2[0-9]{5}"
    r"|(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6[0-9]{3}|35[0-9]{2})[0-9]{12}|3[47][0-9]{13})"
    r"(?![0-9A-Za-z]|[-.,][0-9])"
)
_DIGITS = re.compile(r"[0-9０-９]{3}")


@dataclass(frozen=True, kw_only=True)
class Pii:
    """Mask e-mail addresses, telephone numbers, post codes, IP addresses and numbers of payment cards.

    Upstream masks e-mail addresses and numbers of mobile telephones (HojiChar's `MaskPersonalInformation`). Here too
    are numbers of land lines (ten digits in three groups that begin with 0, or +81), numbers without dashes after
    words such as TEL, 〒 with seven digits, public IP addresses, and card numbers whose last digit is right (Luhn).
    The replacements have the form of what they replace, so that a model learns the form. Dates, prices, ISBNs,
    versions and private IP addresses stay. The street address after a post code stays: shops and offices have it too.
    """

    def apply(self, draft: Draft) -> str:
        """Return no reason: it only masks."""
        text = draft.text
        if "@" in text or "＠" in text:
            text = _EMAIL.sub(EMAIL, text)
        if "〒" in text:
            text = _POST_CODE.sub(POST_CODE, text)
        if _DIGITS.search(text) is not None:
            text = _CARD.sub(_if(_is_card, CARD), text)
            text = _LABELLED_PHONE.sub(rf"\g<1>{PHONE}", text)
            text = _PHONE.sub(_if(_is_phone, PHONE), text)
        if text.count(".") >= 3:
            text = _IPV4.sub(_if(_is_public, IP_ADDRESS), text)
        if text.count(":") >= 3:
            text = _IPV6.sub(_if(_is_public, IP_ADDRESS), text)
        draft.text = text
        return ""


def _if(condition: Callable[[re.Match[str]], bool], replacement: str) -> Callable[[re.Match[str]], str]:
    """Return a function that replaces the matches that meet a condition."""
    return lambda match: replacement if condition(match) else match[0]


def _is_phone(match: re.Match[str]) -> bool:
    """Whether a number has as many digits as Japanese ones have: ten, or eleven if it is a mobile one."""
    digits = "".join(str(int(character)) for character in match[0] if character.isdecimal())
    if digits.startswith("81"):
        digits = "0" + digits[2:].removeprefix("0")
    mobile = digits[:3] in ("020", "050", "060", "070", "080", "090") or digits[:4] == "0800"
    return len(digits) == (11 if mobile else 10)


def _is_card(match: re.Match[str]) -> bool:
    """Whether the last digit of a number is right (Luhn's formula)."""
    digits = [int(character) for character in match[0] if character.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0


def _is_public(match: re.Match[str]) -> bool:
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return False
    return address.is_global and _VERSION.search(match.string[max(match.start() - 10, 0) : match.start()]) is None
