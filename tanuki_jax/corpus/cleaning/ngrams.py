"""Repeated n-grams of a sequence, in time that grows as that of sorting it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

type Hashes = npt.NDArray[np.uint64]
type Places = npt.NDArray[np.int64]
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def joined(hashes: Hashes, symbols: Hashes) -> Hashes:
    """Return a hash of each n-gram and the symbol after it, from the n-gram's hash and the symbol."""
    mixed = hashes * _FACTOR + symbols
    mixed = (mixed ^ (mixed >> _SHIFT)) * _FACTOR
    return mixed ^ (mixed >> _SHIFT)


def extended(hashes: Hashes, symbols: Hashes, length: int) -> Hashes:
    """Return a hash of every n-gram of `length` symbols, from those one shorter and the symbols, uint64[N-length+1]."""
    return joined(hashes[: max(len(symbols) - length + 1, 0)], symbols[length - 1 :])


def bound_of_most_frequent(hashes: Hashes) -> int:
    """Return a number that the count of the most frequent hash is at most: that of its highest 12 bits."""
    return int(np.bincount((hashes >> np.uint64(52)).astype(np.int64), minlength=1).max())


def count_again(hashes: Hashes) -> int:
    """Return the number of occurrences of all but the first of each hash."""
    ordered = np.sort(hashes)
    return int(np.count_nonzero(ordered[1:] == ordered[:-1]))


class Repeats(NamedTuple):
    """Places in a list of hashes, each ascending."""

    top: Places
    """Occurrences of the most frequent hash; none if no hash is there twice."""
    again: Places
    """Occurrences of all but the first of each hash."""


def repeats(hashes: Hashes) -> Repeats:
    """Return the places of hashes that occur more than once."""
    order = np.argsort(hashes, kind="stable")
    codes = hashes[order]
    same = codes[1:] == codes[:-1]
    if not same.any():
        return Repeats(order[:0], order[:0])
    bounds = np.concatenate([[0], np.flatnonzero(~same) + 1, [len(order)]])
    longest = int(np.argmax(bounds[1:] - bounds[:-1]))
    # The places of a hash ascend, because the sort is stable.
    return Repeats(order[bounds[longest] : bounds[longest + 1]], np.sort(order[1:][same]))


def covered(starts: Places, length: int) -> int:
    """Return how many places lie in spans of `length` that begin at `starts`, which ascend."""
    return int(np.minimum(starts[1:] - starts[:-1], length).sum()) + length if starts.size else 0
