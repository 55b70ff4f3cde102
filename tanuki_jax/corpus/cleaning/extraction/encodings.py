"""The encoding of a page: as declared if that can be true, else the one in which the page reads best."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tanuki_jax.corpus.cleaning.extraction.mojibake import is_mojibake
from tanuki_jax.corpus.cleaning.extraction.plausibility import characteristic_share, kana_share, plausibility

REPLACEMENT = "\ufffd"
"""Character in the place of bytes that the encoding does not have."""
_DECLARED_WITHIN = 8192
_JUDGED = 1 << 18
_NEGLIGIBLE = 1e-4
_SURE = 8
"""Number of continuing bytes that make valid UTF-8 certain."""
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_META = re.compile(rb"<(?:meta|\?xml)\b[^<>]{0,400}?\b(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\(D|\([BJI])|[\r\n]")
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGHER = bytes(byte | 0x80 if 0x21 <= byte <= 0x7E else byte for byte in range(256))
"""Bytes of a character in JIS -> those of EUC."""
_JAPANESE = ("cp932", "euc_jp", "utf-8")
_NEIGHBOURS = ("gb18030", "big5hkscs", "cp949")
_FEW_KANA, _MANY_CHARACTERISTIC = 0.05, 0.08
_FILES = ("cp932", "euc_jp", "utf-16-le", "utf-16-be")
_FEW_ZEROS = 0.1
_CERTAIN_KANA, _CERTAIN_SHARE, _CERTAIN, _APART = 4, 0.2, 0.5, 0.2
"""Least number of different kana of a text file whose encoding is found, their least share of the characters beyond
ASCII, the least plausibility, and its least distance from that of the next best encoding."""
_SYLLABLES = re.compile(r"[ぁ-んァ-ヶー]")
_LOST = re.compile(r"[\x00\x1b\ufffd]")
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\ufffd\ue000-\uf8ff]")
"""Control characters, lost bytes, and private characters: signs that a text is none in this encoding."""
_NAMES = {
    "cp932": "shift_jis x_sjis sjis ms_kanji windows_31j ms932 cp932 csshiftjis shift_jisx0213 shift_jis_2004",
    "euc_jp": "euc_jp x_euc_jp eucjp ujis euc_jis_2004 cseucpkdfmtjapanese",
    "iso2022_jp": "iso_2022_jp iso2022_jp csiso2022jp jis",
    "utf-8": "utf_8 utf8 unicode_1_1_utf_8",
    "utf-16-le": "utf_16 utf_16le unicode",
    "utf-16-be": "utf_16be",
    "gb18030": "gb2312 gbk gb18030 gb_2312_80 x_gbk csgb2312",
    "big5hkscs": "big5 big5_hkscs cn_big5 csbig5",
    "cp949": "euc_kr ks_c_5601_1987 ksc5601 windows_949 cp949 uhc korean",
    "cp1252": "iso_8859_1 iso8859_1 latin1 latin_1 windows_1252 cp1252 us_ascii ascii iso_8859_15",
}
_LABELS = {label: name for name, labels in _NAMES.items() for label in labels.split()}
_LEGACY = re.compile(r"(?:windows|cp)_?(125[0-8]|874)|iso_?8859_?(\d{1,2})|(koi8_[ru])|(tis_620)")
_AS_JIS = tuple(zip("～∥－￠￡￢", "\u301c\u2016\u2212\xa2\xa3\xac", strict=True))
"""Characters that Microsoft's table has for six places of JIS X 0208, and those of the standard."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A page as text."""

    text: str
    encoding: str
    """Python's name of the encoding."""
    guessed: bool
    """Whether no declaration names the encoding."""


def decode(html: bytes, content_type: str = "") -> Decoded:
    """Return a page as text. Bytes that its encoding does not have become U+FFFD.

    A byte order mark decides, then JIS's escapes, then UTF-8 if all bytes are valid. Otherwise the declared encodings
    (header, then meta or XML declaration), Shift_JIS, EUC-JP and UTF-8 are tried, and the text that is most plausible
    is taken (`plausibility`); if it is one of kanji without kana, the encodings of Chinese and Korean are tried too.
    """
    for mark, name in _MARKS.items():
        if html.startswith(mark):
            return Decoded(html[len(mark) :].decode(name, "replace"), name, False)
    declared = list(_declared(html, content_type))
    if sixteen := _utf_16(html):
        return Decoded(html.decode(sixteen, "replace"), sixteen, sixteen not in declared)
    if b"\x1b$" in html and _HIGH.search(html) is None:
        return Decoded(_decoded_jis(html), "iso2022_jp", "iso2022_jp" not in declared)
    try:
        text = html.decode()
    except UnicodeDecodeError:
        return _most_plausible(html, declared)
    # More than a few sequences of several bytes are valid UTF-8 by no accident.
    surely = len(text) == len(html) or len(html) - len(text) >= _SURE
    if surely or not (others := [name for name in declared if name != "utf-8"]):
        return Decoded(text, "utf-8", bool(declared) and "utf-8" not in declared and len(text) < len(html))
    return _most_plausible(html, [*others, "utf-8"])  # a few letters of another encoding can be valid UTF-8


def decode_file(content: bytes) -> Decoded | None:
    """Return a text file, which declares no encoding, as text; None if its encoding is not certain.

    A byte order mark decides, then JIS's escapes, then UTF-8 if all bytes are valid and few are zeros. Else Shift_JIS,
    EUC-JP and UTF-16 are tried: it must be a text of enough kana, or in UTF-16 of ASCII, that reads well in one of them
    and in no other.
    """
    marked = next(((mark, name) for mark, name in _MARKS.items() if content.startswith(mark)), None)
    if marked is not None:
        try:
            text = content[len(marked[0]) :].decode(marked[1])
        except UnicodeDecodeError:
            return None
        return None if "\0" in text else Decoded(text, marked[1], False)
    if b"\x1b$" in content and _HIGH.search(content) is None:
        text = _decoded_jis(content)
        return None if _LOST.search(text) else Decoded(text, "iso2022_jp", True)
    if content.count(0) <= _FEW_ZEROS * len(content):
        try:
            return Decoded(content.decode(), "utf-8", True)
        except UnicodeDecodeError:
            pass
    return _certain(content)


def declared_language(html: str) -> str:
    """Return the language that a page declares, in lower case without its region; empty if it declares none."""
    for pattern in _LANGUAGES:
        if found := pattern.search(html, 0, 65536):
            return re.split(r"[-_,;\s]", found[1].strip().lower())[0]
    return ""


_LANGUAGES = (
    re.compile(r"<html\b[^<>]*?\s(?:xml:)?lang\s*=\s*[\"']?([\w-]+)", re.IGNORECASE),
    re.compile(r"<meta\b[^<>]*?content-language[\"']?\s[^<>]*?content\s*=\s*[\"']?([\w-]+)", re.IGNORECASE),
    re.compile(r"<meta\b[^<>]*?og:locale[\"']?\s[^<>]*?content\s*=\s*[\"']?([\w-]+)", re.IGNORECASE),
    re.compile(r"<body\b[^<>]*?\s(?:xml:)?lang\s*=\s*[\"']?([\w-]+)", re.IGNORECASE),
)


def _declared(html: bytes, content_type: str) -> Iterator[str]:
    """Yield Python's names of the declared encodings, those of the header first."""
    labels = [found[1] for found in [_HEADER.search(content_type)] if found]
    labels += [found[1].decode("ascii", "replace") for found in _META.finditer(html, 0, _DECLARED_WITHIN)]
    for label in labels:
        if name := _python_name(label.strip().lower().replace("-", "_").replace(".", "_")):
            yield name


def _python_name(label: str) -> str:
    if label in _LABELS:
        return _LABELS[label]
    if found := _LEGACY.fullmatch(label):
        name = f"cp{found[1]}" if found[1] else f"iso8859-{found[2]}" if found[2] else found[3] or found[4]
        try:
            return codecs.lookup(name).name
        except LookupError:
            return ""
    return ""


def _utf_16(html: bytes) -> str:
    """Return the kind of UTF-16 of a page without a byte order mark, by the zeros beside its markup; empty: none."""
    start = html[:1024]
    for name, bracket, zeros in (("utf-16-le", b"<\0", start[1::2]), ("utf-16-be", b"\0<", start[0::2])):
        if start.lstrip(b" \r\n\t\0").startswith(bracket.lstrip(b"\0")) and zeros.count(0) > len(zeros) // 2:
            return name
    return ""


def _most_plausible(html: bytes, declared: list[str]) -> Decoded:
    tried: dict[str, tuple[float, str]] = {}
    for name in dict.fromkeys([*declared, *_JAPANESE]):
        text = _decoded_as(html, name)
        if text is not None:
            tried[name] = plausibility(text[:_JUDGED]), text
    best = max(tried, key=lambda name: tried[name][0])
    if best in _JAPANESE and kana_share(tried[best][1][:_JUDGED]) < _FEW_KANA:
        for name in dict.fromkeys([*(name for name in declared if name in _NEIGHBOURS), *_NEIGHBOURS]):
            text = html.decode(name, "replace")
            if REPLACEMENT not in text and characteristic_share(text[:_JUDGED]) >= _MANY_CHARACTERISTIC:
                return Decoded(text, name, name not in declared)
    # Encodings that read a page equally well have the same characters where it matters: take the declared one.
    name = next((name for name in declared if name in tried and tried[name][0] >= tried[best][0] - _NEGLIGIBLE), best)
    return Decoded(tried[name][1], name, name not in declared)


def _certain(content: bytes) -> Decoded | None:
    """Return a text in the only encoding in which it reads well."""
    tried: dict[str, tuple[float, str]] = {}
    for name in _FILES:
        wide = name.startswith("utf-16")
        text = content.decode(name, "replace") if wide else _decoded_as(content, name)
        if text is not None and not _NO_TEXT.search(text):
            tried[name] = _reads(text[:_JUDGED], wide), text
    best, *others = sorted(tried, key=lambda name: tried[name][0], reverse=True) or [""]
    if not best or tried[best][0] < _CERTAIN or any(tried[name][0] > tried[best][0] - _APART for name in others):
        return None
    return None if is_mojibake(tried[best][1]) else Decoded(tried[best][1], best, True)


def _reads(text: str, wide: bool) -> float:
    """Return the plausibility of a text; 0 if it has few kana, and is not mostly ASCII in characters of two bytes."""
    beyond = sum(character > "\x7f" for character in text)
    kana = _SYLLABLES.findall(text)
    if len(kana) >= _CERTAIN_SHARE * beyond and len(set(kana)) >= _CERTAIN_KANA:
        return plausibility(text)
    return float(wide and len(text) >= _CERTAIN_KANA and beyond < len(text) // 10)


def _decoded_as(html: bytes, name: str) -> str | None:
    if name == "iso2022_jp":
        return _decoded_jis(html) if b"\x1b$" in html else None
    if name.startswith("utf-16"):
        return None
    text = html.decode(name, "replace")
    if name == "euc_jp" and REPLACEMENT in text:
        more = html.decode("euc_jis_2004", "replace")  # has the numbers in circles and other signs of row 13
        text = min(text, more, key=lambda decoded: decoded.count(REPLACEMENT))
    if name == "cp932":
        for written, standard in _AS_JIS:
            text = text.replace(written, standard)  # six times as fast as translate
    return text


def _decoded_jis(html: bytes) -> str:
    """Decode ISO-2022-JP: each escape chooses a set of characters, and every line begins with ASCII."""
    parts: list[bytes] = []
    mode, position = b"(B", 0
    for escape in _ESCAPE.finditer(html):
        parts.append(_as_euc(html[position : escape.start()], mode))
        position = escape.end()
        mode = escape[1] or b"(B"
        if escape[1] is None:
            parts.append(escape[0])
    parts.append(_as_euc(html[position:], mode))
    text = _decoded_as(b"".join(parts), "euc_jp")
    assert text is not None
    return text


def _as_euc(part: bytes, mode: bytes) -> bytes:
    if mode in (b"(B", b"(J"):
        return part
    high = part.translate(_HIGHER)
    if mode == b"(I":
        return b"".join(b"\x8e" + high[i : i + 1] for i in range(len(high)))
    if mode == b"$(D":
        return b"".join(b"\x8f" + high[i : i + 2] for i in range(0, len(high) - 1, 2))
    return high
