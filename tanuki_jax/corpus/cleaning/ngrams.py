"""Repeated n-grams of a sequence, in time that grows as that of sorting it."""

import numpy as np
import numpy.typing as npt

type Hashes = npt.NDArray[np.uint64]
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def extended(hashes: Hashes, symbols: Hashes, length: int) -> Hashes:
    """Return a hash of every n-gram of `length` symbols, from those one shorter and the symbols, uint64[N-length+1]."""
    mixed = hashes[: max(len(symbols) - length + 1, 0)] * _FACTOR + symbols[length - 1 :]
    mixed = (mixed ^ (mixed >> _SHIFT)) * _FACTOR
    return mixed ^ (mixed >> _SHIFT)


def top_share(hashes: Hashes, length: int, total: int) -> float:
    """Return the share of `total` symbols that the most frequent n-gram takes; overlaps count once."""
    if not hashes.size:
        return 0.0
    values, counts = np.unique(hashes, return_counts=True)
    if counts.max() == 1:
        return 0.0
    places = np.flatnonzero(hashes == values[np.argmax(counts)])
    return _covered(places, length) / total


def repeated_share(hashes: Hashes, length: int, total: int) -> float:
    """Return the share of `total` symbols that lie in n-grams which occurred before, each counted once."""
    if not hashes.size:
        return 0.0
    _, first = np.unique(hashes, return_index=True)
    again = np.ones(hashes.size, bool)
    again[first] = False
    return _covered(np.flatnonzero(again), length) / total


def _covered(starts: npt.NDArray[np.int64], length: int) -> int:
    """Return how many places lie in spans of `length` that begin at `starts`, which ascend."""
    return int(np.minimum(np.diff(starts), length).sum()) + length if starts.size else 0
