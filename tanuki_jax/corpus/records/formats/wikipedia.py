"""Dumps of Wikipedia and other wikis of MediaWiki: `pages-articles` as .xml or .xml.bz2."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from urllib.parse import quote

from tanuki_jax.corpus.records.files import LONGEST_RECORD, LONGEST_SKIP, Slice, read_blocks
from tanuki_jax.corpus.records.formats import plain_text, wikitext
from tanuki_jax.corpus.records.formats.file_format import Fields
from tanuki_jax.corpus.records.types import Malformed

_BEGIN, _END, _LAST = b"<page>", b"</page>", b"</mediawiki>"
_ROOT = b"<mediawiki"


def rows(
    slice: Slice, longest: int = LONGEST_RECORD // 2, most: int = LONGEST_SKIP
) -> Iterator[tuple[int, Fields | str | Malformed | None]]:
    """Yield (byte in the decompressed file, fields) of each page: `text`, `title`, `url` and `id`. Redirects and pages
    outside the namespace of articles are None. An .xml file that is no dump is one document."""
    blocks = read_blocks(slice.path)
    first = next(blocks, b"")
    if _ROOT not in first[:4096]:
        yield from plain_text.rows(slice)
        return
    wiki = _wiki(first)
    for position, page in _pages(first, blocks, longest, most):
        yield position, page if isinstance(page, Malformed) else _fields(page, wiki)


def _pages(first: bytes, blocks: Iterator[bytes], longest: int, most: int) -> Iterator[tuple[int, bytes | Malformed]]:
    """Yield (position, bytes) of each page. A page that another begins in, or of more bytes than `longest`, is
    malformed, and so is the end of a file that was cut. OSError if there is no page within `most` bytes."""
    held, position, searched, last = bytearray(first), 0, 0, 0
    while True:
        begin = held.find(_BEGIN)
        end = held.find(_END, max(begin, searched)) if begin >= 0 else -1
        if end < 0:
            keep = begin if begin >= 0 else max(0, len(held) - len(_LAST))
            if begin >= 0 and len(held) - begin > longest:
                yield position + begin, Malformed(f"a page of more than {longest} bytes")
                keep = len(held) - len(_END)
            closed = _LAST in held[-64:]
            del held[:keep]
            position += keep
            searched = max(0, len(held) - len(_END))
            if position - last > most:
                raise OSError(f"no whole page in the {most} bytes before byte {position}")
            block = next(blocks, b"")
            if not block:
                break
            held += block
            continue
        again = held.rfind(_BEGIN, begin + 1, end)
        if again >= 0:
            yield position + begin, Malformed("a page without its end")
            begin = again
        yield position + begin, bytes(held[begin : end + len(_END)])
        del held[: end + len(_END)]
        position = last = position + end + len(_END)
        searched = 0
    if held.startswith(_BEGIN):
        yield position, Malformed("the file ends inside a page")
    elif not closed:
        yield position, Malformed("the file ends before </mediawiki>: it was cut")


def _wiki(first: bytes) -> str:
    """Return the address of the wiki's pages without their titles; empty if the file does not have it."""
    base = first.partition(b"<base>")[2].partition(b"</base>")[0].decode(errors="replace")
    return f"{base.rpartition('/')[0]}/" if base and len(base) < 1000 else ""


def _fields(page: bytes, wiki: str) -> Fields | Malformed | None:
    try:
        root = ET.fromstring(page)
    except ET.ParseError as error:
        return Malformed(f"not XML: {error}")
    if root.findtext("ns") != "0" or root.find("redirect") is not None:
        return None
    if (root.findtext("revision/model") or "wikitext") != "wikitext":
        return None
    title = root.findtext("title") or ""
    fields: Fields = {"text": wikitext.plain(root.findtext("revision/text") or ""), "title": title}
    if wiki and title:
        fields["url"] = wiki + quote(title.replace(" ", "_"), safe="/:(),!*'")
    return fields | ({"id": root.findtext("id")} if root.findtext("id") else {})
