"""Style of an answer in numbers: its length, and how much Markdown it has."""

import re

FEATURES = ("length", "lists", "headings", "bold")
"""Features that Chatbot Arena controls for (lmsys.org/blog/2024-08-28-style-control)."""
_FENCED = re.compile(r"^ {0,3}(```+|~~~+).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_LIST_ITEM = re.compile(
    r"^[ \t　]*(?:(?:[-*+]|\d{1,9}[.)])[ \t　]+|(?:・|\d{1,9}[．）](?!\d))[ \t　]*)\S", re.MULTILINE
)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t　]+\S", re.MULTILINE)
_BOLD = re.compile(r"(\*\*|__)(?=\S)(?:(?!\1).)+?(?<=\S)\1")


def style_of(text: str) -> dict[str, float]:
    """Return the features of an answer: characters, items of lists, headings, and bold passages.

    Length is in characters, so that no tokenizer is needed. Markdown inside fenced code does not count.
    """
    prose = _FENCED.sub("", text)
    return {
        "length": float(len(text)),
        "lists": float(len(_LIST_ITEM.findall(prose))),
        "headings": float(len(_HEADING.findall(prose))),
        "bold": float(len(_BOLD.findall(prose))),
    }
