"""Text that was decoded with a wrong encoding before it was stored: repaired where no byte is lost, else measured."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

_LOST = re.compile(r"[\ufffd\ue000-\uf8ff]")
"""Signs of bytes that the encoding does not have; Microsoft's tables have private characters for some."""
_SUSPICIOUS_SHARE = 0.02
_LEAST = 3
_RUN = re.compile(r"[^\x00-\x7f]+")
_LINE = re.compile(r"[^<>\"'\r\n]+")


def _as_latin(text: str) -> bytes:
    """Encode text that was decoded as Latin: Windows' table, and for its five holes the control characters."""
    return b"".join(letter.encode("cp1252") if letter not in _HOLES else letter.encode("latin-1") for letter in text)


_HOLES = frozenset("\x81\x8d\x8f\x90\x9d") | frozenset(map(chr, range(0x80, 0xA0)))


@dataclass(frozen=True, slots=True)
class _Mistake:
    """Bytes of one encoding that were read as another."""

    first: str
    """Characters of which every sign begins with one."""
    signs: re.Pattern[str]
    """Characters that this mistake makes often, and that are rare otherwise."""
    encoded: Callable[[str], bytes]
    right: str
    run: re.Pattern[str]
    """A piece of text that is repaired as a whole or not at all."""

    def count(self, text: str) -> int:
        """Return the number of signs in a text."""
        return len(self.signs.findall(text)) if any(letter in text for letter in self.first) else 0


def _cp932(text: str) -> bytes:
    return text.encode("cp932")


def _mistake(
    first: str, further: str, encoded: Callable[[str], bytes], right: str, run: re.Pattern[str] = _RUN
) -> _Mistake:
    """Return a mistake whose signs are one of some characters with a pattern behind it."""
    return _Mistake(first, re.compile(f"[{first}]{further}"), encoded, right, run)


_MISTAKES = (
    _mistake("ãäåæçèéï", r"[\x80-\xbfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]", _as_latin, "utf-8"),
    _mistake("ÂÃ", r"[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]", _as_latin, "utf-8"),
    _mistake("‚ƒ\x82\x83", r"[\x80-ÿ@-~ŒœŠšŸŽžˆ˜–—‘’‚“”„†‡•…‰‹›€™ƒ]", _as_latin, "cp932", _LINE),
    _mistake("¤¥", r"[\xa1-\xfe]", _as_latin, "euc_jp"),
    _mistake("縺繧繝", r"[^\x00-\x7f]{0,3}(?=[縺繧繝])", _cp932, "utf-8"),
    _mistake("､･", r"[\uff61-\uff9f一-龠][､･][\uff61-\uff9f一-龠]", _cp932, "euc_jp"),
)
_QUICK = ("ã", "Ã", "Â", "‚", "ƒ", "\x82", "\x83", "¤", "¥", "縺", "繧", "繝", "､")


def repaired(text: str) -> str:
    """Return a text with the runs of characters repaired that were decoded wrongly and lost no bytes by that.

    A run is repaired only if all of it can be encoded as it was read, and decoded as it was meant.
    """
    if not any(sign in text for sign in _QUICK):
        return text
    for mistake in _MISTAKES:
        if _too_many(mistake.count(text), text):
            text = mistake.run.sub(functools.partial(_repaired_run, mistake=mistake), text)
    return text


def is_mojibake(text: str) -> bool:
    """Whether a text has so many characters that wrong decoding makes, or leaves for lost bytes, that it cannot be
    read."""
    if text.isascii():
        return False
    signs = [mistake.count(text) for mistake in _MISTAKES]
    return _too_many(max(signs), text) or _too_many(len(_LOST.findall(text)) // 2, text)


def _too_many(signs: int, text: str) -> bool:
    """Whether signs of mojibake are more than accidents, by their share of the characters beyond ASCII."""
    return signs >= _LEAST and signs >= _SUSPICIOUS_SHARE * len(re.findall(r"[^\x00-\x7f]", text))


def _repaired_run(run: re.Match[str], mistake: _Mistake) -> str:
    try:
        return mistake.encoded(run[0]).decode(mistake.right)
    except UnicodeError:
        return run[0]
