"""Candidate pairs are compared by their shingles: those that are similar enough become edges of a graph.

The Jaccard similarity is exact, up to collisions of 32-bit hashes, for documents of up to `Duplicates.sketch`
shingles. Of longer ones, the shingles whose hash is below a limit are compared, the same limit for both: between 512
and 1,024 of each, which gives a standard error of at most .018 where the threshold is. Texts are not read again.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile, write_arrays
from tanuki_jax.corpus.cleaning.duplicates.candidates import KIND as CANDIDATES
from tanuki_jax.corpus.cleaning.duplicates.candidates import PAIR, distinct
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes, by_part, gather, starts_of_runs
from tanuki_jax.corpus.cleaning.duplicates.signature_files import open_signatures

KIND = "similar pairs"
_CHUNK = 1 << 12
"""Pairs whose sketches are held at once: 32 MB with sketches of 1,024 shingles."""
_HIGH = np.uint32(16)
"""Number of bits of a shingle's hash that the bound of a similarity leaves out."""

Sketch = npt.NDArray[np.uint32]
"""Distinct sampled shingles of a document, sorted."""


def verify(
    index: int, count: int, candidates: Sequence[Path], signatures: Sequence[Path], out: Path, settings: Duplicates
) -> None:
    """Write the edges between similar documents with their similarity, in both directions, sorted by `u` and `v`.

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
    values = similarities(parts, address_a, address_b, settings.similarity)
    kept = values >= settings.similarity
    u, v = np.concatenate([a[kept], b[kept]]), np.concatenate([b[kept], a[kept]])
    addresses = np.concatenate([address_a[kept], address_b[kept]])
    order = np.lexsort((v, u))
    arrays = {"u": u[order], "v": v[order], "addresses": addresses[order]}
    arrays["values"] = np.tile(values[kept].astype(np.float32), 2)[order]
    write_arrays(out, KIND, {}, arrays, compared=len(values), similar=int(kept.sum()))


def similarities(parts: Sequence[ArrayFile], left: Hashes, right: Hashes, least: float) -> npt.NDArray[np.float64]:
    """Return the Jaccard similarity of each pair of addresses; for a pair that is less similar than `least`, a number
    between its similarity and `least`.

    Pairs are cheapest where neighbours have their left document in common.
    """
    values = np.zeros(len(left))
    places, numbers = np.unique(np.stack([left, right]), return_inverse=True)
    stored = _Sketches(parts, places)
    numbers = numbers.reshape(2, -1)
    for start in range(0, len(left), _CHUNK):
        cut = slice(start, start + _CHUNK)
        needed, ends = np.unique(numbers[:, cut], return_inverse=True)
        values[cut] = _jaccards(stored.read(needed), stored.levels[needed], ends.reshape(2, -1), least)
    return values


class _Sketches:
    """Sketches of documents in files, and where they are: each file is visited once to find that out."""

    def __init__(self, parts: Sequence[ArrayFile], places: Hashes) -> None:
        self._parts, self._places = parts, places
        self.levels = np.zeros(len(places), np.uint8)
        """Levels of sampling."""
        self._starts, self._stops = np.zeros((2, len(places)), np.uint64)
        for which, positions, rows in by_part(places):
            part = parts[which]
            self.levels[positions] = part["levels"][rows]
            self._starts[positions] = part["sketch_starts"][rows]
            self._stops[positions] = part["sketch_starts"][rows + 1]
            part.release()

    def read(self, numbers: npt.NDArray[np.intp]) -> list[Sketch]:
        """Return the sketches of some of the documents."""
        sketches = [np.empty(0, np.uint32)] * len(numbers)
        for which, positions, _ in by_part(self._places[numbers]):
            ours = numbers[positions]
            pieces = self._parts[which].pieces("sketch", self._starts[ours].tolist(), self._stops[ours].tolist())
            for position, sketch in zip(positions.tolist(), pieces, strict=True):
                sketches[position] = sketch
        return sketches


def _jaccards(
    sketches: Sequence[Sketch], levels: npt.NDArray[np.uint8], ends: npt.NDArray[np.intp], least: float
) -> npt.NDArray[np.float64]:
    """Return the similarities of pairs [2, pair] of sketches, as `similarities` does.

    Shingles whose high bits are those of one of the left document's are counted first, which takes a third of the time
    of an exact count. They are at least as many as those that the two share.
    """
    values = np.zeros(ends.shape[1])
    seen = np.zeros(1 << 32 - int(_HIGH), np.bool_)
    first = np.flatnonzero(starts_of_runs(ends[0]))
    for start, stop in zip(first.tolist(), [*first[1:].tolist(), ends.shape[1]], strict=True):
        number, others = int(ends[0, start]), ends[1, start:stop].tolist()
        one = sketches[number]
        seen[one >> _HIGH] = True
        found = seen[np.concatenate([sketches[other] for other in others]) >> _HIGH]
        seen[one >> _HIGH] = False
        lengths = np.array([len(sketches[other]) for other in others])
        bounds = itertools.pairwise([0, *np.cumsum(lengths).tolist()])
        shared = np.array([np.count_nonzero(found[begin:end]) for begin, end in bounds])
        bound = shared / np.maximum(len(one) + lengths - shared, 1)
        # Of sketches sampled at two levels, only a part is compared.
        near = np.flatnonzero((bound >= least) | (levels[others] != levels[number]))
        for pair in near.tolist():
            bound[pair] = _jaccard(one, sketches[others[pair]], int(levels[number]), int(levels[others[pair]]))
        values[start:stop] = bound
    return values


def _jaccard(one: Sketch, other: Sketch, level: int, other_level: int) -> float:
    """Return the similarity of two sorted sets, which were sampled at two levels."""
    if level != other_level:
        limit = np.uint32(1 << 32 - max(level, other_level))
        one, other = one[: np.searchsorted(one, limit)], other[: np.searchsorted(other, limit)]
    both = np.concatenate([one, other])
    both.sort(kind="stable")  # merges two sorted runs
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / max(len(both) - shared, 1)
