"""A rendered conversation to look at: what of it is learned?"""

from collections.abc import Iterable

from rich.text import Text

from tanuki_jax.chat.template import Span

BEGIN, END = "⟦", "⟧"
"""Around what is learned, for where there are no colours."""


def preview(spans: Iterable[Span]) -> Text:
    """The text with what is learned in green, between brackets, and a mark at every end of a line."""
    text = Text()
    for span in spans:
        visible = span.text.replace("\n", "↵\n")
        text.append(f"{BEGIN}{visible}{END}" if span.learned else visible, "bold green" if span.learned else "")
    return text
