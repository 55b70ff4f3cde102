"""Remove characters that show nothing, and lines and paragraphs that repeat the one before."""

import itertools
import re
from dataclasses import dataclass

from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import NOTHING_LEFT

_BREAKS = re.compile("\r\n?|\x0b|\x0c|\x85|\u2028|\u2029")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200c\u200e\u200f"  # of width zero
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\uffff"  # directions, byte order marks, no characters
    "\ud800-\udfff\ue000-\uf8ff]"  # lone surrogates, private use
)
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, kw_only=True)
class Normalize:
    """Remove control characters, characters of width zero, private and unpaired ones, spaces at ends of lines,
    repeated blank lines, and lines and paragraphs that equal the one before.

    Upstream's `clean_text` does the same; NFKC is the extraction's part. The joiner of emoji (U+200D) and variation
    selectors stay, for they change what is shown.
    """

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        text = _INVISIBLE.sub("", _BREAKS.sub("\n", draft.text))
        lines = [line.rstrip() for line in text.split("\n")]
        kept = [line for line, before in zip(lines, [None, *lines], strict=False) if line != before or not line]
        text = _BLANK_LINES.sub("\n\n", "\n".join(kept).lstrip("\n"))
        paragraphs = text.split("\n\n")
        ends = "\n" if text.endswith("\n") else ""
        draft.text = "\n\n".join(paragraph for paragraph, _ in itertools.groupby(paragraphs)).rstrip("\n") + ends
        return "" if draft.text and not draft.text.isspace() else NOTHING_LEFT
