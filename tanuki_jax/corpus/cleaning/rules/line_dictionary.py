"""Drop lines that vocabularies name: page furniture by its whole line, its beginning or its end."""

import functools
import unicodedata
from dataclasses import dataclass

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import ends_sentence, keep_lines
from tanuki_jax.corpus.cleaning.vocabulary import load_vocabulary


@dataclass(frozen=True, kw_only=True)
class LineDictionary:
    """Drop short lines that are in a vocabulary, or begin or end as one of its entries.

    Upstream has such dictionaries of 106 (starts), 54 (ends) and 41 (exact) lines; ours are written for this package.
    Width and case do not matter. A line that ends as a sentence stays unless the whole line is named.
    """

    exact: str = "lines_exact"
    """Vocabulary of whole lines; empty: none."""
    starts: str = "line_starts"
    """Vocabulary of beginnings; empty: none."""
    ends: str = "line_ends"
    """Vocabulary of ends; empty: none."""
    longest: PositiveInt = 40
    """Greatest number of characters of a line that is dropped."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        return keep_lines(draft, self._keeps)

    def _keeps(self, line: str) -> bool:
        if len(line) > self.longest + 20 or len(bare := _fold(line.strip())) > self.longest:
            return True
        if bare in _entry_set(self.exact):
            return False
        named = bare.startswith(_entries(self.starts)) or bare.endswith(_entries(self.ends))
        return not named or ends_sentence(line)


def _fold(line: str) -> str:
    return unicodedata.normalize("NFKC", line).lower()


@functools.cache
def _entry_set(vocabulary: str) -> frozenset[str]:
    return frozenset(_entries(vocabulary))


@functools.cache
def _entries(vocabulary: str) -> tuple[str, ...]:
    return tuple(_fold(entry) for entry in load_vocabulary(vocabulary)) if vocabulary else ()
