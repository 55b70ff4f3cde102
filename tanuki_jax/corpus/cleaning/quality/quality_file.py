"""Models of quality behind one protocol: whichever file holds one, it gives a text a score from 0 to 1."""

import functools
from pathlib import Path
from typing import Protocol

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.quality.fasttext_model import MAGIC, Symbols, load_fasttext
from tanuki_jax.corpus.cleaning.quality.linear_model import load_model


class Scorer(Protocol):
    """A model that scores texts."""

    def score(self, text: str) -> float:
        """Return the probability that the text is good."""
        ...


@functools.lru_cache(4)
def scorer(path: str, symbols: Symbols, good_label: str) -> Scorer:
    """Return the model in a file, which each process loads once.

    Args:
        path: a file of `QualityModel.save`, or one of fastText (.bin or .ftz), ours or of others.
        symbols: symbols that the texts of a fastText model were cut into; a linear model does not need it.
        good_label: label of good texts in a fastText model, without its prefix __label__.

    Raises:
        InputError: there is no such file, or no model in it, or a fastText model does not know the label.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(len(MAGIC))
    except OSError as error:
        raise InputError(f"the quality model {path!r} cannot be read ({error}); train one, or name another") from error
    return load_fasttext(Path(path), symbols, good_label) if start == MAGIC else load_model(Path(path))
