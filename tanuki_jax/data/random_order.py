"""Random orders that are the same on every machine and with every version of NumPy, in memory or on disk.

A permutation of n numbers sorts them by n random draws. What memory should not hold is sorted in two passes: numbers
and draws are written to a file by the leading bits of the draws, and the parts of the file are sorted one by one.
"""

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

PART_ITEMS = 1 << 18
"""Approximate number of items that are sorted in memory at a time."""
_PAIR = np.dtype([("draw", np.uint64), ("number", np.int64)])

type Purpose = tuple[object, ...]
"""Seed of a random order: its `repr` counts."""


def draws(count: int, purpose: Purpose) -> npt.NDArray[np.uint64]:
    """Return uint64[count], uniform: raw output of Philox (Salmon et al. 2011), which NumPy promises not to change."""
    return _generator(purpose).random_raw(count)


def shuffle(count: int, purpose: Purpose) -> npt.NDArray[np.int64]:
    """Return a random permutation of 0 .. count-1."""
    return np.argsort(draws(count, purpose), kind="stable")


@contextlib.contextmanager
def shuffled(
    blocks: Callable[[], Iterable[npt.NDArray[np.int64]]],
    count: int,
    purpose: Purpose,
    folder: Path,
    part_items: int = PART_ITEMS,
) -> Iterator[npt.NDArray[np.int64]]:
    """Yield `count` numbers in the order of `shuffle`; more than `part_items` from a file that ends with the process.

    Args:
        blocks: returns the numbers, in blocks of any sizes.
        count: how many there are.
        purpose: seed of the order.
        folder: folder of the temporary files, if there are any.
        part_items: approximate number of items that are sorted at a time.
    """
    if count <= part_items:
        yield np.concatenate([*blocks(), np.empty(0, np.int64)])[shuffle(count, purpose)]
        return
    bits = (count // part_items).bit_length()
    with tempfile.TemporaryFile(dir=folder) as pairs, tempfile.TemporaryFile(dir=folder) as ordered:
        ends = np.cumsum(_sizes_of_parts(count, purpose, bits, part_items))
        positions = ends - np.diff(ends, prepend=0)
        generator = _generator(purpose)
        for block in blocks():
            entries = np.empty(len(block), _PAIR)
            entries["draw"], entries["number"] = generator.random_raw(len(block)), block
            part_of = _part_of(entries["draw"], bits)
            entries = entries[np.argsort(part_of, kind="stable")]
            sizes = np.bincount(part_of, minlength=len(ends))
            stops = np.cumsum(sizes)
            for part in np.flatnonzero(sizes).tolist():
                pairs.seek(int(positions[part]) * _PAIR.itemsize)
                pairs.write(entries[stops[part] - sizes[part] : stops[part]].tobytes())
            positions += sizes
        assert (positions == ends).all()
        pairs.seek(0)
        for size in np.diff(ends, prepend=0).tolist():
            entries = np.frombuffer(pairs.read(size * _PAIR.itemsize), _PAIR)
            # The sort is stable, and a part has its entries in the order of the blocks: equal draws keep that order.
            ordered.write(entries["number"][np.argsort(entries["draw"], kind="stable")].tobytes())
        ordered.flush()
        yield np.memmap(ordered, np.int64, "r", shape=(count,)).view(np.ndarray)


def _sizes_of_parts(count: int, purpose: Purpose, bits: int, part_items: int) -> npt.NDArray[np.int64]:
    """Return how many of the draws have each value of their first `bits` bits."""
    generator, sizes = _generator(purpose), np.zeros(1 << bits, np.int64)
    for first in range(0, count, part_items):
        drawn = generator.random_raw(min(part_items, count - first))
        sizes += np.bincount(_part_of(drawn, bits), minlength=len(sizes))
    return sizes


def _part_of(drawn: npt.NDArray[np.uint64], bits: int) -> npt.NDArray[np.int64]:
    """Return the first `bits` bits of each draw."""
    # In two steps, since a shift by 64 is not defined.
    return (drawn >> np.uint64(1) >> np.uint64(63 - bits)).astype(np.int64)


def _generator(purpose: Purpose) -> np.random.Philox:
    key = hashlib.blake2b(repr(purpose).encode(), digest_size=16).digest()
    return np.random.Philox(key=int.from_bytes(key, "little"))
