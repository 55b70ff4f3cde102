"""Sketches of copies, put together: near-duplicates, not only equal texts."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.coverage.context_sketch import BINS, similarities

COPY = 0.2
"""Least similarity of copies. Passages of 150 characters keep .34 when 20% of their characters are replaced one by one,
and .67 when 20% are replaced in one piece; different passages about one thing have less than .1."""
COPY_OF_SHORT = 0.5
"""Least similarity of copies among short passages, of which the words that were looked for are a large part."""
_SHORT = BINS // 2
"""A short passage has fewer filled bins, about as many as 3-grams. Two of them rarely have bins in a row in common, so
one is enough for a comparison."""
_COMPARED = 50
"""Sketches behind it in a bucket that each one is compared with, at most."""
type _Numbers = npt.NDArray[np.int64]


def groups_of_copies(sketches: npt.NDArray[np.uint8]) -> list[list[int]]:
    """Return the numbers of the sketches, uint8[N, BINS], in groups of copies, the largest first.

    Sketches that share a band are compared (locality-sensitive hashing, Indyk and Motwani 1998), and those at least
    `COPY` alike (`COPY_OF_SHORT`, if one is short) are joined, and through them all that they are joined with.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(sketches):
        return []
    unique, members = np.unique(sketches, axis=0, return_inverse=True)
    ones, others = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    least = np.where(_is_short(unique), COPY_OF_SHORT, COPY)
    for one, other in _candidates(unique):
        alike = similarities(unique[one], unique[other]) >= np.maximum(least[one], least[other])
        ones.append(one[alike])
        others.append(other[alike])
    rows, columns = np.concatenate(ones), np.concatenate(others)
    graph = coo_array((np.ones(len(rows), np.bool_), (rows, columns)), shape=(len(unique), len(unique)))
    _, labels = connected_components(graph, directed=False)
    of_members = labels[members.reshape(-1)]
    order = np.argsort(of_members, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(of_members[order])) + 1)
    return sorted((group.tolist() for group in groups), key=lambda group: (-len(group), group[0]))


def _is_short(sketches: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    short: npt.NDArray[np.bool_] = (sketches > 0).sum(axis=1) < _SHORT
    return short


def _candidates(sketches: npt.NDArray[np.uint8]) -> Iterator[tuple[_Numbers, _Numbers]]:
    """Yield pairs of sketches with two bins in a row, or short ones with one bin, in common; some several times.

    Every two bins in a row are a band: with half as many bands, which do not overlap, 2% of the copies with 20% of
    their characters replaced one by one would have none in common.
    """
    for bins in sketches.T[:-1].astype(np.uint16) << 8 | sketches.T[1:]:
        yield from _neighbours(bins, np.flatnonzero((bins >> 8 > 0) & (bins & 255 > 0)))
    short = np.flatnonzero(_is_short(sketches))
    for bins in sketches.T:
        yield from _neighbours(bins, short[bins[short] > 0])


def _neighbours(keys: npt.NDArray[Any], rows: _Numbers) -> Iterator[tuple[_Numbers, _Numbers]]:
    """Yield pairs of some rows with equal keys."""
    order = rows[np.argsort(keys[rows], kind="stable")]
    for distance in range(1, min(_COMPARED + 1, len(order))):
        same = keys[order[:-distance]] == keys[order[distance:]]
        if not same.any():
            return
        yield order[:-distance][same], order[distance:][same]
