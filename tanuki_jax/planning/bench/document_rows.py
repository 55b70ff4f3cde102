"""Rows of documents, and how many (query, key) pairs are visible in them."""

import itertools

import numpy as np
import numpy.typing as npt

type Lengths = tuple[tuple[int, ...], ...]
"""Tokens of every document of every row."""


def one_document(rows: int, time: int) -> Lengths:
    """Return rows of one document each."""
    return ((time,),) * rows


def fixed(rows: int, time: int, length: int) -> Lengths:
    """Return rows of documents with one length; a row's last document is cut."""
    count, rest = divmod(time, length)
    return ((length,) * count + (rest,) * (rest > 0),) * rows


def exponential(rows: int, time: int, mean: int) -> Lengths:
    """Return rows of documents with exponentially distributed lengths (seed 0); a row's last document is cut."""
    random = np.random.default_rng(0)
    lengths: list[tuple[int, ...]] = []
    for _ in range(rows):
        row: list[int] = []
        while (left := time - sum(row)) > 0:
            row.append(min(left, max(1, round(random.exponential(mean)))))
        lengths.append(tuple(row))
    return tuple(lengths)


def segment_ids(lengths: Lengths) -> npt.NDArray[np.int32]:
    """Return int32[B, T]: the number of each token's document in its row, from 1."""
    return np.stack([np.repeat(np.arange(1, len(row) + 1, dtype=np.int32), row) for row in lengths])


def positions(lengths: Lengths) -> npt.NDArray[np.int32]:
    """Return int32[B, T]: the position of each token in its document, from 0."""
    return np.stack([np.concatenate([np.arange(length, dtype=np.int32) for length in row]) for row in lengths])


def visible_pairs(lengths: Lengths) -> int:
    """Count pairs of a query and a key of its document that is not later: n (n + 1) / 2 in a document of n tokens."""
    return sum(length * (length + 1) // 2 for length in itertools.chain(*lengths))


def tile_pairs(lengths: Lengths, queries: int, keys: int) -> int:
    """Count the pairs of all tiles of `queries` x `keys` with a visible pair, which a kernel computes."""
    pairs = 0
    for row in lengths:
        starts = np.repeat(np.cumsum((0, *row[:-1])), row)  # start of each token's document
        for first in range(0, len(starts), queries):
            last = min(first + queries, len(starts)) - 1
            # The first query of a tile sees back to its document's start, the last one up to itself.
            pairs += (last // keys - int(starts[first]) // keys + 1) * queries * keys
    return pairs
