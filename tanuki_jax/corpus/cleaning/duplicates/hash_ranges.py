"""Partitions by ranges of 64-bit hashes: one task reads its range of every file of the stage before it.

Hashes are uniform, so ranges are of one size, and an array that is sorted by hash holds a range in one piece.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.duplicates.array_file import Array, ArrayFile

Hashes = npt.NDArray[np.uint64]


def bounds(index: int, count: int) -> tuple[int, int]:
    """Return the range [first, stop) of hashes that partition `index` of `count` owns."""
    return (index << 64) // count, ((index + 1) << 64) // count


def within(ordered: Hashes, index: int, count: int) -> slice:
    """Return where a sorted array has the hashes of a partition."""
    first, stop = bounds(index, count)
    start = int(np.searchsorted(ordered, np.uint64(first)))
    end = len(ordered) if stop == 1 << 64 else int(np.searchsorted(ordered, np.uint64(stop)))
    return slice(start, end)


def gather(files: Sequence[ArrayFile], by: str, names: Sequence[str], index: int, count: int) -> list[Array]:
    """Return, of every file, the rows that a partition owns, one behind the other.

    Args:
        files: files of one kind.
        by: array of hashes by which each file is sorted.
        names: arrays to return.
        index: number of the partition.
        count: number of partitions.
    """
    pieces: list[list[Array]] = [[] for _ in names]
    for file in files:
        part = within(file[by], index, count)
        for piece, name in zip(pieces, names, strict=True):
            piece.append(file[name][part].copy())
        file.release()
    return [np.concatenate(piece) for piece in pieces]


def starts_of_runs(*arrays: Array) -> npt.NDArray[np.bool_]:
    """Whether each row differs from the row before it, in one of several sorted arrays at least."""
    differs = np.ones(len(arrays[0]), np.bool_)
    if len(differs):
        differs[1:] = False
        for array in arrays:
            differs[1:] |= array[1:] != array[:-1]
    return differs


def by_part(addresses: Hashes) -> Iterator[tuple[int, npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Yield each part among addresses (part << 32 | row) with the positions of its addresses and their rows, so that
    every part is read once and forward."""
    order = np.argsort(addresses, kind="stable")
    parts = (addresses[order] >> np.uint64(32)).astype(np.intp)
    first = np.flatnonzero(starts_of_runs(parts))
    for start, stop in zip(first, np.append(first, len(parts))[1:], strict=True):
        positions = order[start:stop]
        yield int(parts[start]), positions, (addresses[positions] & np.uint64(0xFFFFFFFF)).astype(np.intp)
