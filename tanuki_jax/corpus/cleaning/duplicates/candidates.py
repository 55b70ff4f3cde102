"""Pairs of documents that agree in a band: candidates for duplicates.

A document is called by the hash of its normalised text, so that neither order nor parts show in the pairs. Of a
bucket (the documents with one key) with up to `ALL_PAIRS` documents, all pairs are candidates. A greater bucket, such
as pages with one template, would give quadratically many. There, documents are sorted by four other minima, which puts
duplicates side by side, and each is linked to its next `NEIGHBOURS` and to one document of the bucket. That one is the
same in most bands, for the pairs to be few, and any of the documents, for the task with the least hashes would have its
pairs otherwise. The order begins with another of the four minima from band to band.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tanuki_jax.corpus.cleaning.duplicates.array_file import Array, ArrayFile, write_arrays
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes, by_part, starts_of_runs, within
from tanuki_jax.corpus.cleaning.duplicates.shingles import mix
from tanuki_jax.corpus.cleaning.duplicates.signature_files import band, open_signatures
from tanuki_jax.corpus.cleaning.duplicates.sketching import LOCALITY

KIND = "candidate pairs"
ALL_PAIRS = 16
"""Size of the greatest bucket of which all pairs are candidates."""
NEIGHBOURS = 4
"""Number of documents behind it with which a document of a greater bucket is paired."""
PAIR = ("a", "b", "address_a", "address_b")


def find_candidates(
    index: int,
    count: int,
    signatures: Sequence[Path],
    out: Path,
    settings: Duplicates,
    *,
    keys_at_once: int = 1 << 19,
) -> None:
    """Write the pairs of one task, sorted by `a`, each once, with `a` < `b` and the addresses of both.

    With fewer tasks than bands, a task has every `count`-th band; with more, tasks share a band by ranges of keys. A
    task holds the keys of one range of `keys_at_once` documents, those of all its ranges that occur more than once,
    and its pairs, 32 bytes each.

    Args:
        index: number of the task, below `count`.
        count: number of tasks.
        signatures: signature files of all parts.
        out: file to write.
        settings: settings of the signatures.
        keys_at_once: number of documents whose keys are held at once, about.
    """
    files = [open_signatures(path, settings) for path in signatures]
    pairs = [np.empty((4, 0), np.uint64)]
    largest = hubs = 0
    documents = sum(file.facts["banded"] for file in files)
    for number, part, parts in shares(index, count, settings.bands):
        pieces = max(1, -(-documents // (parts * keys_at_once)))
        ranges = range(part * pieces, (part + 1) * pieces)
        keys, addresses = _shared_keys(files, number, ranges, parts * pieces)
        found, sizes = _pairs_of_band(files, keys, addresses, number / settings.bands)
        pairs.append(found)
        largest, hubs = max(largest, int(sizes.max(initial=0))), hubs + int((sizes > ALL_PAIRS).sum())
    unique = distinct(np.concatenate(pairs, axis=1))
    arrays = dict(zip(PAIR, unique, strict=True))
    write_arrays(out, KIND, settings.of_signatures(), arrays, pairs=unique.shape[1], hubs=hubs, largest_bucket=largest)


def shares(index: int, count: int, bands: int) -> Iterator[tuple[int, int, int]]:
    """Yield each band of a task, and the number of its range of keys and of all ranges of that band."""
    if count <= bands:
        yield from ((number, 0, 1) for number in range(index, bands, count))
        return
    number = index % bands
    yield number, index // bands, len(range(number, count, bands))


def distinct(pairs: Array) -> Array:
    """Return pairs [4, pair] sorted by `a` and `b`, each once, with its least addresses."""
    pairs = pairs[:, np.lexsort((pairs[1], pairs[0]))]
    first = np.flatnonzero(starts_of_runs(pairs[0], pairs[1]))
    if len(first) == pairs.shape[1]:
        return pairs
    return np.concatenate([pairs[:2, first], np.minimum.reduceat(pairs[2:], first, axis=1)])


def _pairs_of_band(files: Sequence[ArrayFile], keys: Hashes, addresses: Hashes, position: float) -> tuple[Array, Array]:
    """Return the pairs [4, pair] of one band, and the sizes of its buckets.

    Args:
        files: signature files.
        keys: sorted keys that more than one row has.
        addresses: addresses of the rows.
        position: number of the band, as a share of all bands.
    """
    nodes, locality = np.zeros_like(addresses), np.zeros_like(addresses)
    for which, positions, rows in by_part(addresses):
        nodes[positions], locality[positions] = files[which]["hashes"][rows], files[which]["locality"][rows]
        files[which].release()
    turn = np.uint64(16 * ((int(position * LOCALITY) + 2) % LOCALITY))
    locality = (locality >> turn) | (locality << (np.uint64(64) - turn) % np.uint64(64))
    order = np.lexsort((addresses, nodes, keys))
    once = order[starts_of_runs(keys[order], nodes[order])]  # copies of one text are one document
    keys, nodes, locality, addresses = keys[once], nodes[once], locality[once], addresses[once]
    first = np.flatnonzero(starts_of_runs(keys))
    sizes = np.diff(np.append(first, len(keys)))
    order = np.lexsort((nodes, locality, keys))
    buckets = np.repeat(np.arange(len(sizes)), sizes)
    reach = np.where(sizes <= ALL_PAIRS, ALL_PAIRS - 1, NEIGHBOURS)[buckets]
    left, right = [], []
    for distance in range(1, ALL_PAIRS):
        near = np.flatnonzero((buckets[distance:] == buckets[:-distance]) & (reach[distance:] >= distance))
        left.append(order[near])
        right.append(order[near + distance])
    drawn = mix(nodes.copy())
    hubs = np.flatnonzero(drawn == np.minimum.reduceat(drawn, first)[buckets]) if len(first) else first
    linked = np.flatnonzero((sizes > ALL_PAIRS)[buckets])
    left.append(hubs[buckets[linked]])
    right.append(linked)
    return _ordered(np.concatenate(left), np.concatenate(right), nodes, addresses), sizes


def _ordered(left: Array, right: Array, nodes: Hashes, addresses: Hashes) -> Array:
    """Return pairs of positions as pairs [4, pair] with `a` < `b`."""
    swap = nodes[left] > nodes[right]
    left, right = np.where(swap, right, left), np.where(swap, left, right)
    pairs = np.stack([nodes[left], nodes[right], addresses[left], addresses[right]])
    return distinct(pairs[:, pairs[0] != pairs[1]])


def _shared_keys(files: Sequence[ArrayFile], number: int, ranges: range, count: int) -> tuple[Hashes, Hashes]:
    """Return the keys of a band that more than one row has, sorted, and the addresses of the rows.

    The keys of one range of `count` are held at once.
    """
    cuts = []
    for file in files:
        ordered, _ = band(file, number)
        start = number * int(file.facts["banded"])
        cuts.append([slice(start + cut.start, start + cut.stop) for cut in (within(ordered, n, count) for n in ranges)])
        del ordered
        file.release()
    shared = [(np.empty(0, np.uint64), np.empty(0, np.uint64))]
    for pieces in zip(*cuts, strict=True):
        keys, addresses = [], []
        for which, (file, piece) in enumerate(zip(files, pieces, strict=True)):
            keys.append(file.read("keys", piece.start, piece.stop))
            rows = file.read("key_rows", piece.start, piece.stop)
            addresses.append(rows.astype(np.uint64) | np.uint64(which << 32))
        together = np.concatenate(keys)
        order = np.argsort(together, kind="stable")
        together = together[order]
        first = starts_of_runs(together)
        repeated = ~(first & np.append(first[1:], True))
        shared.append((together[repeated], np.concatenate(addresses)[order[repeated]]))
    return np.concatenate([keys for keys, _ in shared]), np.concatenate([places for _, places in shared])
