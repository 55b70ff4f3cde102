"""A rendered conversation to look at: what of it is learned?"""

from collections.abc import Iterable

from rich.text import Text

from tanuki_jax.corpus.chat.template import Span

BEGIN, END = "⟦", "⟧"
"""Around what is learned, for where there are no colours."""
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421", 0x9B: "\ufffd", ord("\n"): "↵\n"}
"""What is shown for control characters, some of which would give orders to the terminal."""


def preview(spans: Iterable[Span]) -> Text:
    """The text with what is learned in green, between brackets, and a mark at every end of a line and for control characters."""
    text = Text()
    for span in spans:
        visible = span.text.translate(_PICTURES)
        text.append(f"{BEGIN}{visible}{END}" if span.learned else visible, "bold green" if span.learned else "")
    return text
