"""Settings of finding duplicates."""

from dataclasses import dataclass
from typing import Annotated

from tanuki_jax.config.limits import Limits, PositiveInt, Seed, Share


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Settings of finding duplicates: signatures, bands, and the similarity from which two texts are duplicates.

    The defaults were measured on Japanese text with character 5-grams (`curves` has the arithmetic). Texts in which
    8% of scattered characters changed have a Jaccard similarity of .45 to .55, those with a span of 30% replaced .49
    to .56, and texts whose halves are one template at most .37. 96 bands of 4 rows find .997 of the first as
    candidates (64 bands: .979), and the comparison at .43 refuses the last, and .417 too: that is the similarity of a
    page that is half a template to another from which 30% was cut.
    """

    shingle: PositiveInt = 5
    """Length of the character n-grams whose sets are compared."""
    bands: PositiveInt = 96
    """Number of bands. Texts that agree in one band at least are compared."""
    rows: PositiveInt = 4
    """Number of minima in a band. Fewer find more pairs, also unrelated ones: 3 rows suit up to 10^8 documents."""
    seed: Seed = 0
    """Seed of the hash functions."""
    similarity: Annotated[float, Limits(above=0, at_most=1)] = 0.43
    """Least Jaccard similarity of duplicates."""
    chained: Share = 0.38
    """Least similarity of a dropped document to the kept one where the two are no duplicates but both are duplicates of
    a third. It is above that of pages whose halves are one template."""
    sketch: PositiveInt = 1024
    """Number of shingles of a document that are stored for comparing, 4 bytes each. Longer documents are sampled."""
    fold_case: bool = True
    """Whether upper and lower case are equal."""
    fold_width: bool = True
    """Whether full-width and half-width forms of a character, and others that Unicode's NFKC unites, are equal."""
    fold_digits: bool = False
    """Whether all digits are equal, so that pages that differ in dates and prices alone are exact copies."""
    drop_spaces: bool = True
    """Whether white space and control characters are left out before comparing."""

    def of_signatures(self) -> dict[str, int | bool]:
        """Return the settings on which signature files depend; files with others cannot be used together."""
        return {
            "shingle": self.shingle,
            "bands": self.bands,
            "rows": self.rows,
            "seed": self.seed,
            "sketch": self.sketch,
            "fold_case": self.fold_case,
            "fold_width": self.fold_width,
            "fold_digits": self.fold_digits,
            "drop_spaces": self.drop_spaces,
        }
