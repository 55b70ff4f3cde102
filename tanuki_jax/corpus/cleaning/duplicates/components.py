"""Connected components of the graph of duplicates, by rounds of partitioned tasks.

Large-star and small-star alternate (Kiveris, Lattanzi, Mirrokni, Rastogi, Vassilvitskii 2014, "Connected Components in
MapReduce and Beyond"): every node links its greater neighbours, then its lesser ones, to the least node that it knows.
After a number of rounds that grows with the logarithm of the number of nodes, each component is a star around its
least node. A round is `count` tasks; task i owns the nodes in range i of hashes, and reads that range of all files of
the round before. Nodes are hashes of texts, so the centre of a star does not depend on order or parts.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tanuki_jax.corpus.cleaning.duplicates.array_file import Array, ArrayFile, write_arrays
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes, gather, starts_of_runs
from tanuki_jax.corpus.cleaning.duplicates.verify_pairs import KIND as EDGES

KIND = "stars"


def star_round(number: int, index: int, count: int, previous: Sequence[Path], out: Path) -> None:
    """Run one task of a round: large-star in rounds with an even number, small-star in the others.

    The task holds 16 bytes for each direction of each edge that its nodes have. A node that is the centre of a great
    component has all of it: 32 MB for a million documents.

    Args:
        number: number of the round, from 0.
        index: number of the task, below `count`.
        count: number of tasks.
        previous: files of all tasks of the round before; those of `verify` in round 0.
        out: file to write. Its fact `unsettled` is the number of nodes that were not yet part of a star when the round
            began; where it is 0 in all files of a round, no further round is needed.
    """
    u, v = neighbours(number, index, count, previous)
    first = np.flatnonzero(starts_of_runs(u))
    sizes = np.diff(np.append(first, len(u)))
    least = np.minimum(v[first], u[first])  # v is sorted within u
    leaf = (sizes == 1) & (v[first] < u[first])
    unsettled = int((~leaf & (v[first] < u[first])).sum())
    centres = np.repeat(least, sizes)
    if number % 2 == 0:
        keep = v > u
        ends = v[keep]
        centres = centres[keep]
    else:
        keep = v < u
        ends = np.concatenate([v[keep], u[first]])
        centres = np.concatenate([centres[keep], least])
    proper = ends != centres
    edges = _sorted(np.stack([ends[proper], centres[proper]]))
    write_arrays(out, KIND, {}, {"u": edges[0], "v": edges[1]}, unsettled=unsettled, edges=edges.shape[1] // 2)


def neighbours(number: int, index: int, count: int, previous: Sequence[Path]) -> tuple[Hashes, Hashes]:
    """Return the edges before round `number` of the nodes that a task owns, sorted, each once."""
    files = [ArrayFile(path, KIND if number else EDGES, {}) for path in previous]
    u, v = gather(files, "u", ["u", "v"], index, count)
    order = np.lexsort((v, u))
    u, v = u[order], v[order]
    once = starts_of_runs(u, v)
    return u[once], v[once]


def _sorted(edges: Array) -> Array:
    """Return edges [2, edge] in both directions, sorted, each once."""
    both = np.concatenate([edges, edges[::-1]], axis=1)
    both = both[:, np.lexsort((both[1], both[0]))]
    return both[:, starts_of_runs(both[0], both[1])]
