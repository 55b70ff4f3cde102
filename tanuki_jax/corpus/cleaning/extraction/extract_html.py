"""The text of a page as it was crawled."""

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from resiliparse.parse.html import HTMLTree

from tanuki_jax.corpus.cleaning.draft import Draft, seed_of
from tanuki_jax.corpus.cleaning.extraction import blocks, markup
from tanuki_jax.corpus.cleaning.extraction.boilerplate import content_of
from tanuki_jax.corpus.cleaning.extraction.characters import unified
from tanuki_jax.corpus.cleaning.extraction.encodings import declared_language, decode
from tanuki_jax.corpus.cleaning.extraction.mojibake import is_mojibake, repaired
from tanuki_jax.corpus.cleaning.extraction.readable import text_of
from tanuki_jax.corpus.cleaning.identify_language import identified

LONGEST = 32 << 20
"""Greatest number of bytes of a page."""
DEEPEST = 512
"""Greatest depth of elements; browsers stop there too."""
SECONDS = 10.0
"""Greatest CPU time of a page in seconds."""
_TOO_DEEP = "elements nested too deep"
_MANY_TAGS = 20_000
"""Number of tags from which on the depth of a page is counted before it is parsed: the parser's time is at worst 3 ns
for each tag and open element."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a page."""

    text: str
    """Lines that end in a newline, a blank line between paragraphs; empty if there is a reason."""
    title: str = ""
    language: str = ""
    """Code of ISO 639-1 by the script and words of the text, and by the declaration where they leave it open; empty if
    it is not known."""
    encoding: str = ""
    """Python's name of the encoding."""
    guessed: bool = False
    """Whether no declaration of the page or its header names the encoding."""
    repaired: bool = False
    """Whether characters were repaired that had been decoded wrongly before the page was written."""
    reason: str = ""
    """Reason for which there is no text, in a few words that are the same for all pages of that kind."""


def extract(html: bytes, content_type: str = "", *, seconds: float = SECONDS, deepest: int = DEEPEST) -> Extracted:
    """Return the text of a page.

    Args:
        html: the page as it was sent.
        content_type: the HTTP header, with or without a charset.
        seconds: greatest CPU time, checked between steps and within the longest one.
        deepest: greatest depth of elements.
    """
    if len(html) > LONGEST:
        return Extracted("", reason="page too large")
    deadline = time.process_time() + seconds
    decoded = decode(html, content_type)
    source = repaired(decoded.text)
    none = Extracted("", encoding=decoded.encoding, guessed=decoded.guessed, repaired=source != decoded.text)
    source = markup.without_long_tags(markup.cut(source))
    if source.count("<") > _MANY_TAGS and markup.is_deeper(source, deepest):
        return replace(none, reason=_TOO_DEEP)
    tree = HTMLTree.parse(source)
    none = replace(none, title=" ".join(unified(tree.title or "").split()))
    try:
        page = blocks.page_of(tree, deadline, deepest)
        kept = content_of(page)
        text = text_of(page, kept)
        blocks.check_time(deadline)
    except blocks.TooDeep:
        return replace(none, reason=_TOO_DEEP)
    except blocks.TooSlow:
        return replace(none, reason="extraction took too long")
    if not text:
        return replace(none, reason="no text in the page")
    # The blocks still have the half-width katakana by which one kind of mojibake is known.
    if is_mojibake("\n".join(itertools.compress((block.text for block in page.blocks), kept))):
        return replace(none, reason="mojibake")
    return replace(none, text=f"{text}\n", language=identified(text, declared_language(decoded.text)).code)


def draft_of_page(fields: Mapping[str, object], location: str = "") -> Draft | str:
    """Return the document of a crawled page, or the reason for which it has no text.

    Args:
        fields: a row with `html` (bytes, or text that needs no decoding), and perhaps `content_type`, `id` and further
            fields, which become metadata.
        location: file and position of the row, its id if it has none of its own.
    """
    page = fields.get("html")
    if not isinstance(page, bytes | str):
        return "no page"
    sent = fields.get("content_type")
    if isinstance(page, str):
        found = extract(page.encode("utf-8", "replace"), "text/html; charset=utf-8")
    else:
        found = extract(page, sent if isinstance(sent, str) else "")
    if found.reason:
        return found.reason
    metadata = {name: value for name, value in fields.items() if name not in ("html", "content_type", "id")}
    metadata |= {"title": found.title, "language": found.language, "encoding": found.encoding}
    metadata |= {"encoding_guessed": True} if found.guessed else {}
    metadata |= {"mojibake_repaired": True} if found.repaired else {}
    name = fields.get("id")
    return Draft(name if isinstance(name, str) else location, found.text, metadata, seed=seed_of(found.text))
