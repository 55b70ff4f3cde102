"""Candidate pairs are compared by their shingles: those that are similar enough become edges of a graph.

The Jaccard similarity is exact, up to collisions of 32-bit hashes, for documents of up to `Duplicates.sketch`
shingles. Of longer ones, the shingles whose hash is below a limit are compared, the same limit for both: between 512
and 1,024 of each, which gives a standard error of at most .018 where the threshold is. Texts are not read again.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile, write_arrays
from tanuki_jax.corpus.cleaning.duplicates.candidates import KIND as CANDIDATES
from tanuki_jax.corpus.cleaning.duplicates.candidates import PAIR, distinct
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes, by_part, gather
from tanuki_jax.corpus.cleaning.duplicates.signature_files import open_signatures

KIND = "edges"
_CHUNK = 1 << 12
"""Pairs whose sketches are held at once: 32 MB with sketches of 1,024 shingles."""


def verify(
    index: int, count: int, candidates: Sequence[Path], signatures: Sequence[Path], out: Path, settings: Duplicates
) -> None:
    """Write the edges between similar documents, in both directions, sorted by `u` and `v`.

    The task owns the pairs whose lesser hash is in its range. It holds 32 bytes a pair and occurrence in a candidate
    file, and the sketches of some thousand pairs.

    Args:
        index: number of the task, below `count`.
        count: number of tasks.
        candidates: candidate files of all tasks.
        signatures: signature files of all parts.
        out: file to write.
        settings: settings of the signatures, and the least similarity.
    """
    parts = [open_signatures(path, settings) for path in signatures]
    stored = [ArrayFile(path, CANDIDATES, settings.of_signatures()) for path in candidates]
    a, b, address_a, address_b = distinct(np.stack(gather(stored, "a", PAIR, index, count)))
    values = similarities(parts, address_a, address_b)
    kept = values >= settings.similarity
    u, v = np.concatenate([a[kept], b[kept]]), np.concatenate([b[kept], a[kept]])
    addresses = np.concatenate([address_a[kept], address_b[kept]])
    order = np.lexsort((v, u))
    arrays = {"u": u[order], "v": v[order], "addresses": addresses[order]}
    write_arrays(out, KIND, {}, arrays, compared=len(values), similar=int(kept.sum()))


def similarities(parts: Sequence[ArrayFile], left: Hashes, right: Hashes) -> npt.NDArray[np.float64]:
    """Return the Jaccard similarity of each pair of addresses."""
    values = np.zeros(len(left))
    for start in range(0, len(left), _CHUNK):
        cut = slice(start, start + _CHUNK)
        places, numbers = np.unique(np.stack([left[cut], right[cut]]), return_inverse=True)
        sketches, levels = _sketches(parts, places)
        for pair, (one, other) in enumerate(numbers.reshape(2, -1).T.tolist(), start):
            values[pair] = _jaccard(sketches[one], sketches[other], levels[one], levels[other])
    return values


def _sketches(parts: Sequence[ArrayFile], addresses: Hashes) -> tuple[list[npt.NDArray[np.uint32]], list[int]]:
    """Return the distinct sampled shingles of documents, sorted, and the levels of sampling."""
    sketches = [np.empty(0, np.uint32)] * len(addresses)
    levels = np.zeros(len(addresses), np.uint8)
    for which, positions, rows in by_part(addresses):
        part = parts[which]
        levels[positions] = part["levels"][rows]
        starts, stops = (part["sketch_starts"][row].tolist() for row in (rows, rows + 1))
        part.release()
        for position, sketch in zip(positions.tolist(), part.pieces("sketch", starts, stops), strict=True):
            sketches[position] = sketch
    return sketches, levels.tolist()


def _jaccard(one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32], level: int, other_level: int) -> float:
    """Return the similarity of two sorted sets, which were sampled at two levels."""
    if level != other_level:
        limit = np.uint32(1 << 32 - max(level, other_level))
        one, other = one[: np.searchsorted(one, limit)], other[: np.searchsorted(other, limit)]
    both = np.concatenate([one, other])
    both.sort(kind="stable")  # merges two sorted runs
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / max(len(both) - shared, 1)
