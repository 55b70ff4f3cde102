"""Answers as safe HTML: Markdown without HTML of its own and without images, which would be fetched from elsewhere."""

import functools
import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

LONGEST = 40_000
"""Characters of the longest text that is laid out; a longer one is shown as it is written."""
_KEPT = 2_000
"""Texts whose HTML is kept: pages ask for their battles a few times a second."""


@functools.lru_cache(_KEPT)
def html_of(text: str) -> str:
    """Return a text in Markdown as HTML. Line breaks stay, HTML is shown as text, and images are links."""
    return f"<pre>{html.escape(text)}</pre>" if len(text) > LONGEST else str(_markdown().render(text))


@functools.cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    markdown = (
        MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").disable(["image", "html_block"])
    )
    markdown.add_render_rule("link_open", _link_open)
    return markdown


def _link_open(renderer: object, tokens: list[object], index: int, options: object, env: object) -> str:
    """Return the tag of a link that opens elsewhere and says nothing of the page that it was on."""
    tokens[index].attrs.update(rel="noopener noreferrer nofollow", target="_blank")  # type: ignore[attr-defined]
    return str(renderer.renderToken(tokens, index, options, env))  # type: ignore[attr-defined]
