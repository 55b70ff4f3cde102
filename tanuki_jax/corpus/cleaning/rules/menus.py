"""Drop lines that are menus: short labels with separators between them."""

import re
from dataclasses import dataclass

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import keep_lines

_SEPARATOR = re.compile(r"[|｜>＞»›/／\t■◆●▼▲◎]|[^\S\t]+")
_CLAUSE = re.compile(r"[。、，！？!?]")
_JAPANESE = re.compile("[ぁ-ヿ一-鿿]")


@dataclass(frozen=True, kw_only=True)
class Menus:
    """Drop lines of several short labels, such as "ホーム | 会社概要 | 採用情報" or "家電 > 掃除機 > ロボット掃除機".

    The rule is ours, after upstream's collapse of headers. A line with punctuation of a sentence stays, and so does
    one whose labels are mostly not Japanese, because other languages put spaces between words.
    """

    labels: PositiveInt = 3
    """Least number of labels that make a menu."""
    label_characters: PositiveInt = 10
    """Greatest mean length of the labels in characters."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        return keep_lines(draft, self._keeps)

    def _keeps(self, line: str) -> bool:
        if _CLAUSE.search(line) is not None:
            return True
        labels = [label for label in _SEPARATOR.split(line) if label]
        if len(labels) < self.labels or sum(map(len, labels)) > self.label_characters * len(labels):
            return True
        return 2 * sum(_JAPANESE.search(label) is not None for label in labels) <= len(labels)
