"""Diversity of texts: the share of their character n-grams that are different."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from tanuki_jax.config.limits import Limits, PositiveInt, check_fields
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.shingles import fold, hashed
from tanuki_jax.corpus.synthesis.made import Made

_MEASURED = 200_000


@dataclass(frozen=True, kw_only=True)
class Diversity:
    """Drop texts whose character n-grams are too much alike (distinct-n; Li et al., 2016).

    The share falls with the length of a text, so that it is the mean over windows of equal length, as in the moving
    average of types and tokens (Covington and McFall, 2010); a shorter text is one window.
    """

    least: Annotated[float, Limits(at_least=0, at_most=1)] = 0.6
    """Least share of different 4-grams in a window."""
    window: PositiveInt = 500
    """Number of characters of a window."""

    def __post_init__(self) -> None:
        check_fields(self)

    def reason(self, made: Made) -> str:
        """Return why the record is dropped; empty: it is kept."""
        text = "".join(made.written.split())
        windows = [text[start : start + self.window] for start in range(0, len(text), self.window)]
        if len(windows) > 1 and len(windows[-1]) < self.window:
            windows[-1] = text[-self.window :]
        shares = [diversity([window]) for window in windows]
        return "" if not shares or sum(shares) / len(shares) >= self.least else "too little diversity"


def diversity(texts: Iterable[str], length: int = 4, characters: int = _MEASURED) -> float:
    """Return the number of different character n-grams of texts as a share of all their n-grams; 1: there are none.

    The share falls with the number of characters, so compare only groups of about the same size.

    Args:
        texts: texts, in which width, case, digits and white space do not matter.
        length: number of characters of an n-gram.
        characters: number of characters from which on texts are no longer read, which also bounds the time.
    """
    sample, read = list[str](), 0
    for text in texts:
        sample.append(text[: characters - read])
        read += len(sample[-1])
        if read >= characters:
            break
    settings = Duplicates(shingle=length)
    found = [hashes for hashes, _ in hashed(fold(sample, settings), settings)] if sample else []
    every = np.concatenate(found) if found else np.empty(0, np.uint64)
    return len(np.unique(every)) / len(every) if len(every) else 1.0
