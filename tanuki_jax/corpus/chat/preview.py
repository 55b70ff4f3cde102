"""Display of a rendered conversation, with marks around the learned parts."""

from collections.abc import Iterable

from rich.text import Text

from tanuki_jax.corpus.chat.template import Span

BEGIN, END = "⟦", "⟧"
"""Brackets around learned text, for output without colours."""
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421", 0x9B: "\ufffd", ord("\n"): "↵\n"}
"""Control character -> its picture: a terminal would obey the character itself."""


def preview(spans: Iterable[Span]) -> Text:
    """Return the text with learned parts in green and between brackets, behind which their weight stands if it is not
    1, and pictures of control characters."""
    text = Text()
    for span in spans:
        visible = span.text.translate(_PICTURES)
        weight = f"×{span.weight:.2g}" if 0 < span.weight < 1 else ""
        text.append(f"{BEGIN}{visible}{END}{weight}" if span.learned else visible, "bold green" if span.learned else "")
    return text
