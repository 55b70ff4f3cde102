"""Sketches of the text around a place, by which copies are found among many.

One-permutation hashing (Li, Owen and Zhang 2012) of character 3-grams into 64 bins, of which 8 bits each are kept
(b-bit minwise hashing, Li and König 2010). The share of equal bins estimates the Jaccard similarity of the 3-grams.
"""

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.duplicates.shingles import mix

BINS = 64
CONTEXT = 70
"""Characters on each side of a place that its sketch describes."""
_GRAM = 3


def sketches(
    codes: npt.NDArray[np.uint32],
    start: npt.NDArray[np.int64],
    stop: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
) -> npt.NDArray[np.uint8]:
    """Return a sketch for each place, uint8[H, BINS]; 0: an empty bin.

    Args:
        codes: uint32[N], code points.
        start: int64[H], first character of each place.
        stop: int64[H], end of each place.
        first: int64[H], first character of its document.
        last: int64[H], end of its document.
    """
    begin, end = np.maximum(start - CONTEXT, first), np.minimum(stop + CONTEXT, last)
    lengths = np.maximum(end - begin - _GRAM + 1, 0)
    owners = np.repeat(np.arange(len(start)), lengths)
    offsets = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    hashes = _hashes(codes, np.repeat(begin, lengths) + offsets)
    least = np.full(len(start) * BINS, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, owners * BINS + (hashes >> np.uint64(58)).astype(np.int64), hashes)
    kept = (1 + (least & np.uint64((1 << 58) - 1)) % np.uint64(255)).astype(np.uint8)
    return np.where(least == np.iinfo(np.uint64).max, np.uint8(0), kept).reshape(-1, BINS)


def _hashes(codes: npt.NDArray[np.uint32], places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Return a hash of the 3-gram at each place."""
    value = np.zeros(len(places), np.uint64)
    for offset in range(_GRAM):
        value = (value << np.uint64(21)) | codes[places + offset].astype(np.uint64)
    return mix(value)


def similarities(ones: npt.NDArray[np.uint8], others: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return the estimated Jaccard similarity of each pair of sketches, both uint8[N, BINS]."""
    equal = ((ones == others) & (ones > 0)).sum(axis=1)
    filled = ((ones > 0) | (others > 0)).sum(axis=1)
    return equal / np.maximum(filled, 1)
