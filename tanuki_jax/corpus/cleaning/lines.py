"""Lines and sentences of a draft, and how a rule drops some of them."""

import re
from collections.abc import Callable

from tanuki_jax.corpus.cleaning.draft import Draft

NOTHING_LEFT = "nothing left"
"""Reason to drop a document of which a rule removed every line."""
_ENDS = frozenset("。｡．.！!？?…♪☆★")
_CLOSING = "」』）)】〉》\"'”’＂"
_SENTENCE = re.compile(r"[^。！？!?\n]*(?:[。！？!?]+[」』）)】”’\"']*|\n|$)")
_BLANK = re.compile(r"\n\s*\n")


def keep_lines(draft: Draft, keep: Callable[[str], bool]) -> str:
    """Keep only the lines for which `keep` says so, and blank ones. Return a reason if nothing is left."""
    lines = draft.text.split("\n")
    kept = [line for line in lines if not line or line.isspace() or keep(line)]
    return "" if len(kept) == len(lines) else replace_text(draft, "\n".join(kept))


def replace_text(draft: Draft, text: str) -> str:
    """Give a draft a text from which lines were removed. Return a reason if nothing is left."""
    draft.text = _BLANK.sub("\n\n", text).lstrip("\n")
    return NOTHING_LEFT if not draft.text or draft.text.isspace() else ""


def ends_sentence(line: str) -> bool:
    """Whether a line ends where a sentence or a quotation ends."""
    bare = line[-40:].rstrip()
    return bare.endswith(("」", "』")) or bare.rstrip(_CLOSING)[-1:] in _ENDS


def sentences(text: str) -> list[str]:
    """Cut a text after the ends of its sentences and lines. Joined, the pieces are the text again."""
    return [piece for piece in _SENTENCE.findall(text) if piece]
