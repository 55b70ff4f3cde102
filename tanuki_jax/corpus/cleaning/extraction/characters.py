"""Forms of characters made one, where nothing is lost by it.

NFKC as a whole loses meaning ("10²" becomes 102, "①" 1, "½" 1⁄2, "㈱" (株)) and makes the punctuation of Japanese
prose ASCII ("（！）" becomes (!)), so only these parts of it are applied: full-width letters and digits become ASCII,
half-width katakana and their punctuation full-width, kana with a combining voicing mark one character. Circled numbers,
squared units (㎡), fractions, Roman numerals, ligatures and compatibility kanji stay as they are.
"""

import re
import string
import unicodedata

_FULL_WIDTH = 0xFEE0
"""Distance of full-width letters and digits from ASCII."""
_TABLE: dict[int, str | None] = {ord(letter) + _FULL_WIDTH: letter for letter in string.ascii_letters + string.digits}
_TABLE |= {0xFF5E: "\u301c", 0xA0: " "}
_TABLE |= dict.fromkeys((0xAD, 0x200B, 0x2060, 0xFEFF, 0x200E, 0x200F, *range(0x202A, 0x202F)))  # invisible
_TABLE |= dict.fromkeys((*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)))
_CHANGED = re.compile(f"[{''.join(re.escape(chr(code)) for code in _TABLE)}\uff61-\uff9f]+")
"""Characters of the table, and half-width katakana."""
_VOICED = re.compile(r"[か-ほカ-ホうウ][\u3099\u309a]")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[．，－\u2212](?=\d)")
_ASCII = {"．": ".", "，": ",", "－": "-", "\u2212": "-"}


def unified(text: str) -> str:
    """Return a text with one form for characters that have several; control and invisible characters are removed."""
    text = _CHANGED.sub(lambda found: unicodedata.normalize("NFKC", found[0].translate(_TABLE)), text)
    if "\u3099" in text or "\u309a" in text:
        text = _VOICED.sub(lambda found: unicodedata.normalize("NFC", found[0]), text)
    if any(sign in text for sign in _ASCII):
        text = _BETWEEN_DIGITS.sub(lambda found: _ASCII[found[0]], text)
    return text
