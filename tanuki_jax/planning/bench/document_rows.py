"""Rows of documents, and how many (query, key) pairs are visible in them."""

import itertools

import numpy as np
import numpy.typing as npt

type Lengths = tuple[tuple[int, ...], ...]
"""Tokens of every document of every row."""


def one_document(rows: int, time: int) -> Lengths:
    return ((time,),) * rows


def fixed(rows: int, time: int, length: int) -> Lengths:
    """Documents of one length, the last one of each row cut where it ends."""
    whole, rest = divmod(time, length)
    return ((length,) * whole + (rest,) * (rest > 0),) * rows


def exponential(rows: int, time: int, mean: int) -> Lengths:
    """Documents of exponentially distributed lengths (seed 0) that fill each row; the last one is cut where the row ends."""
    random = np.random.default_rng(0)
    filled: list[tuple[int, ...]] = []
    for _ in range(rows):
        row: list[int] = []
        while (room := time - sum(row)) > 0:
            row.append(min(room, max(1, round(random.exponential(mean)))))
        filled.append(tuple(row))
    return tuple(filled)


def segment_ids(lengths: Lengths) -> npt.NDArray[np.int32]:
    """int32[B, T]: the documents of a row are numbered from 1."""
    return np.stack([np.repeat(np.arange(1, len(row) + 1, dtype=np.int32), row) for row in lengths])


def positions(lengths: Lengths) -> npt.NDArray[np.int32]:
    """int32[B, T]: places within the document, from 0."""
    return np.stack([np.concatenate([np.arange(length, dtype=np.int32) for length in row]) for row in lengths])


def visible_pairs(lengths: Lengths) -> int:
    """Pairs of a query and a key of its document that is not later: n (n + 1) / 2 for a document of n tokens."""
    return sum(length * (length + 1) // 2 for length in itertools.chain(*lengths))


def met_pairs(lengths: Lengths, queries: int, keys: int) -> int:
    """Pairs in all tiles of `queries` x `keys` with a visible pair in them, which is what a kernel that skips the others computes."""
    pairs = 0
    for row in lengths:
        begins = np.repeat(np.cumsum((0, *row[:-1])), row)  # of the document of each token
        for first in range(0, len(begins), queries):
            last = min(first + queries, len(begins)) - 1
            pairs += (last // keys - int(begins[first]) // keys + 1) * queries * keys
    return pairs
