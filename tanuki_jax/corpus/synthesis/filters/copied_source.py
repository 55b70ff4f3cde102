"""Drop texts that are mostly copied from their sources."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from tanuki_jax.config.limits import Limits, PositiveInt, check_fields
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.shingles import fold, hashed
from tanuki_jax.corpus.synthesis.made import Made

_LENGTH = 5


@dataclass(frozen=True, kw_only=True)
class CopiedSource:
    """Drop texts most of whose character 5-grams are in a source (containment; Broder, 1997).

    Texts are folded as for the search of duplicates: width, case, digits and white space do not matter. The sources
    count together, so that a text that copies sentences from several is a copy, too.
    """

    most: Annotated[float, Limits(above=0, at_most=1)] = 0.7
    """Greatest share of the text's 5-grams that the sources have."""
    shortest: PositiveInt = 40
    """Least number of 5-grams of a text that is judged: a short answer may well be a quotation."""

    def __post_init__(self) -> None:
        check_fields(self)

    def reason(self, made: Made) -> str:
        """Return why the record is dropped; empty: it is kept."""
        return "a copy of the source" if made.sources and self.share(made) > self.most else ""

    def share(self, made: Made) -> float:
        """Return the share of the text's different 5-grams that are in the sources; 0: it is too short to judge."""
        settings = Duplicates(shingle=_LENGTH)
        texts = [made.written, *made.sources]
        pairs = list(hashed(fold(texts, settings), settings))
        hashes, owners = (np.concatenate([pair[side] for pair in pairs] or [np.empty(0, int)]) for side in (0, 1))
        written, sources = np.unique(hashes[owners == 0]), hashes[owners > 0]
        return float(np.isin(written, sources).mean()) if len(written) >= self.shortest else 0.0
