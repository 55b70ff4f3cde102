"""The arithmetic of signatures: minima of hashed shingles, bands of minima, and samples of shingles.

The minima are one-permutation MinHash (Li, Owen, Zhang 2012): one hash decides a shingle's bin and its value, so that
a text of n shingles costs n steps and not n times the number of minima. Empty bins take the value of another bin,
chosen by optimal densification (Shrivastava 2017), which leaves the probability that two texts agree in a bin equal to
their Jaccard similarity. rensa 0.5's R-MinHash has the same accuracy, but hands its minima out as lists of Python
integers, which takes longer than all of this; its `rho` sketches agree far too often (short texts) or too seldom.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes
from tanuki_jax.corpus.cleaning.duplicates.shingles import Folded, hashed, mix

EMPTY = 0xFFFFFFFF
"""Minimum of a bin without a shingle."""
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
LOCALITY = 4
"""Number of 16-bit minima by which similar documents are sorted near each other."""

Minima = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Signatures:
    """Signatures of some texts, in their order."""

    counts: npt.NDArray[np.intp]
    """Number of shingles. Texts without any have no bands."""
    keys: Hashes
    """Keys of the bands [text, band]."""
    locality: Hashes
    """Four minima of 16 bits each."""
    sketch: Minima
    """Sampled shingles of all texts, one text behind the other, of each the distinct ones, sorted."""
    sketch_lengths: npt.NDArray[np.intp]
    """Number of sampled shingles of each text."""
    levels: npt.NDArray[np.uint8]
    """Binary logarithm of the rate at which the shingles of each text were sampled: those below 2^(32 - level)."""


def sign(folded: Folded, settings: Duplicates) -> Signatures:
    """Return the signatures of normalised texts. A text's signature depends on nothing but the text."""
    texts, bins = len(folded.starts) - 1, settings.bands * settings.rows
    counts = np.maximum(np.diff(folded.starts) - settings.shingle + 1, 0)
    levels = _levels(counts, settings.sketch)
    limits = (np.uint64(1) << (np.uint64(32) - levels.astype(np.uint64))).astype(np.uint64)
    minima = np.full(texts * bins, EMPTY, np.uint32)
    sketches = [np.empty(0, np.uint32)]
    lengths = np.zeros(texts, np.intp)
    for hashes, owners in hashed(folded, settings):
        high = hashes >> _HALF
        sampled = high < limits[owners]
        sketches.append(high[sampled].astype(np.uint32))
        lengths += np.bincount(owners[sampled], minlength=texts)
        high *= np.uint64(bins)
        high >>= _HALF
        high += (owners * bins).astype(np.uint64)
        np.minimum.at(minima, high.astype(np.intp), np.minimum(hashes & _LOW, EMPTY - 1).astype(np.uint32))
    sketch, lengths = _distinct(np.concatenate(sketches), lengths)
    dense = densify(minima.reshape(texts, bins), counts > 0)
    return Signatures(counts, _band_keys(dense, settings), _locality(dense), sketch, lengths, levels)


def _distinct(sketch: Minima, lengths: npt.NDArray[np.intp]) -> tuple[Minima, npt.NDArray[np.intp]]:
    """Return the distinct values of each text, sorted, and their numbers."""
    stops = np.cumsum(lengths)
    starts = stops - lengths
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        sketch[start:stop].sort()
    distinct = np.ones(len(sketch), np.bool_)
    distinct[1:] = sketch[1:] != sketch[:-1]
    distinct[starts[lengths > 0]] = True
    before = np.concatenate([[0], np.cumsum(distinct)])
    return sketch[distinct], before[stops] - before[starts]


def _levels(counts: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.uint8]:
    """Return the least level at which about `most` shingles or fewer are sampled."""
    levels = np.zeros(len(counts), np.uint8)
    while (long := (counts >> levels) > most).any():
        levels[long] += 1
    return levels


def densify(minima: Minima, filled: npt.NDArray[np.bool_]) -> Minima:
    """Fill the empty bins of the rows that have a minimum, in place, from other bins of their row.

    Each bin tries bins in a random order of its own, the same for all texts, until one has a minimum of its own.
    """
    bins = minima.shape[1]
    own = minima != EMPTY
    rows, empty = np.nonzero(~own & filled[:, None])
    attempt = 0
    while len(rows):
        attempt += 1
        tried = mix(np.arange(bins, dtype=np.uint64) + np.uint64(attempt << 32)) % np.uint64(bins)
        source = tried.astype(np.intp)[empty]
        hit = own[rows, source]
        minima[rows[hit], empty[hit]] = minima[rows[hit], source[hit]]
        rows, empty = rows[~hit], empty[~hit]
    return minima


def _band_keys(minima: Minima, settings: Duplicates) -> Hashes:
    bands = minima.reshape(len(minima), settings.bands, settings.rows)
    keys = np.zeros(bands.shape[:2], np.uint64)
    for row in range(settings.rows):
        keys += bands[:, :, row]
        mix(keys)
    return keys


def _locality(minima: Minima) -> Hashes:
    locality = np.zeros(len(minima), np.uint64)
    for part in range(LOCALITY):
        values = mix(minima[:, part * minima.shape[1] // LOCALITY].astype(np.uint64))
        locality |= (values & np.uint64(0xFFFF)) << np.uint64(16 * part)
    return locality
