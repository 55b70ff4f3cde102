"""Sketches of copies, put together: near-duplicates, not only equal texts."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.coverage.context_sketch import BINS, similarity

COPY = 0.2
"""Least similarity of copies. Passages of 150 characters keep .34 when 20% of their characters are replaced one by one,
and .67 when 20% are replaced in one piece; different passages about one thing have less than .1."""
_BAND = 2
"""Bins of a band: copies have two bins in a row in common somewhere with a probability above .99."""
_COMPARED = 50
"""Most members of a bucket that each sketch is compared with."""


def groups_of_copies(sketches: npt.NDArray[np.uint8]) -> list[list[int]]:
    """Return the numbers of the sketches, uint8[N, BINS], in groups of copies, the largest first.

    Sketches that share a band are compared (locality-sensitive hashing, Indyk and Motwani 1998), and those at least
    `COPY` alike are joined, and through them all that they are joined with.
    """
    unique, members = np.unique(sketches, axis=0, return_inverse=True)
    parent = list(range(len(unique)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for bucket in _buckets(unique):
        for place, number in enumerate(bucket[1:], 1):
            others = [other for other in bucket[: min(place, _COMPARED)] if root(other) != root(number)]
            if others:
                alike = similarity(unique[number], unique[others]) >= COPY
                for other in np.array(others)[alike].tolist():
                    parent[root(other)] = root(number)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for number, member in enumerate(members.tolist()):
        groups[root(member)].append(number)
    return sorted(groups.values(), key=lambda group: (-len(group), group[0]))


def _buckets(sketches: npt.NDArray[np.uint8]) -> Sequence[list[int]]:
    """Return the numbers of sketches with a band in common, for each band and value with several."""
    buckets: list[list[int]] = []
    for first in range(0, BINS, _BAND):
        band = sketches[:, first : first + _BAND].astype(np.uint32)
        keys = band[:, 0] << 8 | band[:, 1]
        filled = np.flatnonzero((band > 0).all(axis=1))
        order = filled[np.argsort(keys[filled], kind="stable")]
        cuts = np.flatnonzero(np.diff(keys[order])) + 1
        buckets += [bucket.tolist() for bucket in np.split(order, cuts) if len(bucket) > 1]
    return buckets
