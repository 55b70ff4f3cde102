"""Settings of finding what repeats across documents."""

from dataclasses import dataclass

from tanuki_jax.config.limits import NonNegativeInt, PositiveInt
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Settings of finding lines and passages that several documents have.

    A line in many documents is an advertisement or a menu, and goes everywhere. A passage in two documents is a
    quotation or a copy, and stays in one of them.
    """

    shortest_line: PositiveInt = 12
    """Least number of characters, without white space, of lines and paragraphs that are counted."""
    documents: PositiveInt = 10
    """Number of documents from which a line or paragraph is removed."""
    hosts: NonNegativeInt = 0
    """Number of hosts on which a line or paragraph must occur as well to be removed; 0: hosts do not count."""
    gram: PositiveInt = 50
    """Length in characters of the n-grams by which passages are compared."""
    window: PositiveInt = 50
    """Number of consecutive n-grams of which one at least is a fingerprint (Schleimer, Wilkerson, Aiken 2003). A
    passage of gram + window - 1 characters has one in every document; a text has 2 in window + 1 characters."""
    shortest_copy: PositiveInt = 200
    """Length in characters from which a copied passage is always cut. Below it, a passage is cut if its fingerprints
    cover `shortest_copy - 2 * (window - 1)` characters."""

    def folding(self) -> Duplicates:
        """Return how texts are normalised and their n-grams hashed."""
        return Duplicates(shingle=self.gram)

    @property
    def covered(self) -> int:
        """Number of characters that a run of fingerprints covers at least in a passage of `shortest_copy`."""
        return max(self.shortest_copy - 2 * (self.window - 1), self.gram)
