"""The prose of a text: what is left without code and without quotations."""

import re

EMPTY = "「」"
"""Text that stands for a quotation."""
_FENCED = re.compile(r"^```.*?(?:^```\s*$|\Z)", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`[^`\n]{1,400}`")
_ADDRESS = re.compile(r"https?://[\w./?=&%#~+:@-]+")
_QUOTED = re.compile(
    r"「[^「」]{1,400}」|『[^『』]{1,400}』|“[^“”\n]{1,400}”|\"[^\"\n]{1,400}\"|(?<!\w)'[^'\n]{1,400}'(?!\w)"
)


def without_code(text: str) -> str:
    """Return a text without fenced code, code between backticks, and addresses of pages."""
    return _ADDRESS.sub(" ", _INLINE.sub(" ", _FENCED.sub("", text)))


def without_quotations(text: str) -> str:
    """Return a text in which quotations of at most 400 characters are empty."""
    return _QUOTED.sub(EMPTY, text)
