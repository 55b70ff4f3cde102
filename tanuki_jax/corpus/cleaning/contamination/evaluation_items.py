"""Evaluation items as hashes of n-grams, and where a text has them.

GPT-3 (Brown et al. 2020, appendix C) searches word 13-grams; Japanese has no spaces, so n-grams are of characters.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.contamination.evaluation_settings import Evaluation
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes
from tanuki_jax.corpus.cleaning.duplicates.shingles import fold, hashed, kept_positions
from tanuki_jax.corpus.records.files import expand
from tanuki_jax.corpus.records.formats.by_suffix import format_of
from tanuki_jax.corpus.records.read import split

_WHOLE_FILE = 1 << 60


@dataclasses.dataclass(frozen=True)
class Item:
    """A text of an evaluation."""

    name: str
    """File, position of the row and field."""
    text: str


@dataclasses.dataclass(frozen=True)
class Occurrences:
    """Places of a text where n-grams of items are."""

    places: npt.NDArray[np.intp]
    """Positions in the normalised text."""
    lengths: npt.NDArray[np.intp]
    """Length of the n-gram at each."""
    grams: npt.NDArray[np.intp]
    """Number of the n-gram at each, in the order of `EvaluationIndex`."""


class EvaluationIndex:
    """N-grams of evaluation items, numbered.

    Attributes:
        items: items that are long enough, each text once.
        size: number of different n-grams.
    """

    def __init__(self, items: Sequence[Item], settings: Evaluation) -> None:
        self._settings = settings
        self._hashes: dict[int, Hashes] = {}
        once: dict[str, tuple[Item, int]] = {}
        for item in items:
            if (length := len(_codes(item.text))) >= settings.shortest:
                once.setdefault(item.text, (item, min(length, settings.gram)))
        self.items = [item for item, _ in once.values()]
        by_length: dict[int, list[Hashes]] = {}
        for item, length in once.values():
            by_length.setdefault(length, []).append(_grams(item.text, length))
        first = 0
        self._first: dict[int, int] = {}
        for length in sorted(by_length):
            self._hashes[length] = np.unique(np.concatenate(by_length[length]))
            self._first[length] = first
            first += len(self._hashes[length])
        self.size = first
        self.grams_of = [self._numbers(_grams(item.text, length), length) for item, length in once.values()]
        """Numbers of the n-grams of each item, each once."""
        order = np.argsort(np.concatenate([*self.grams_of, np.empty(0, np.intp)]), kind="stable")
        owners = np.repeat(np.arange(len(self.items)), [len(grams) for grams in self.grams_of])
        self._owners, counts = owners[order], np.zeros(first + 1, np.intp)
        for grams in self.grams_of:
            counts[grams + 1] += 1
        self._owner_starts = np.cumsum(counts)

    @property
    def settings(self) -> dict[str, int | float | str]:
        """Return the settings on which counts of the n-grams depend, and a hash of the n-grams."""
        digest = hashlib.blake2b(b"".join(hashes.tobytes() for hashes in self._hashes.values()), digest_size=8)
        return {"overlap": self._settings.overlap, "n-grams": digest.hexdigest()}

    def _numbers(self, hashes: Hashes, length: int) -> npt.NDArray[np.intp]:
        return np.unique(np.searchsorted(self._hashes[length], hashes)) + self._first[length]

    def occurrences(self, text: str) -> Occurrences:
        """Return where a text has n-grams of items."""
        found: list[tuple[npt.NDArray[np.intp], ...]] = [(np.empty(0, np.intp),) * 3]
        for length, known in self._hashes.items():
            hashes = _grams(text, length)
            at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
            places = np.flatnonzero(known[at] == hashes)
            found.append((places, np.full(len(places), length), at[places] + self._first[length]))
        return Occurrences(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def shares(self, present: npt.NDArray[np.intp], evidence: npt.NDArray[np.bool_]) -> Mapping[int, float]:
        """Return item -> share of its n-grams that are present, of those that are evidence.

        Args:
            present: numbers of n-grams, each once.
            evidence: bool[size], whether an n-gram counts.
        """
        present = present[evidence[present]]
        touched = {
            int(item)
            for gram in present
            for item in self._owners[self._owner_starts[gram] : self._owner_starts[gram + 1]]
        }
        shares = {}
        for item in touched:
            counted = self.grams_of[item][evidence[self.grams_of[item]]]
            shares[item] = float(np.isin(counted, present).mean())
        return shares

    def contained(self, occurrences: Occurrences, evidence: npt.NDArray[np.bool_]) -> list[int]:
        """Return the numbers of the items of which the text has enough."""
        shares = self.shares(np.unique(occurrences.grams), evidence)
        return sorted(item for item, share in shares.items() if share >= self._settings.overlap)

    def spans(self, text: str, occurrences: Occurrences, items: Sequence[int]) -> list[tuple[int, int]]:
        """Return the ranges of characters of a text that n-grams of some items cover, in order and apart."""
        wanted = np.unique(np.concatenate([self.grams_of[item] for item in items]))
        raw, spans = kept_positions(text, _folding(1)), list[tuple[int, int]]()
        chosen = np.isin(occurrences.grams, wanted)
        pairs = zip(occurrences.places[chosen].tolist(), occurrences.lengths[chosen].tolist(), strict=True)
        for place, length in sorted(pairs):
            start, stop = int(raw[place]), int(raw[place + length - 1]) + 1
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
            else:
                spans.append((start, stop))
        return spans


@functools.cache
def load(settings: Evaluation) -> EvaluationIndex:
    """Return the index of the items in the files of the settings. InputError if they hold none that is long enough."""
    index = EvaluationIndex(list(_items(settings)), settings)
    if not index.items:
        raise InputError(
            f"{', '.join(settings.paths)} hold no evaluation item of at least {settings.shortest} characters"
        )
    return index


def _items(settings: Evaluation) -> Iterator[Item]:
    for file in expand(settings.paths):
        for slice in split(file, _WHOLE_FILE):
            for position, raw in format_of(file.path).rows(slice):
                if isinstance(raw, dict):
                    for name, text in _texts(raw, settings.fields):
                        yield Item(f"{file.path}:{position} {name}", text)
                elif isinstance(raw, str):
                    yield Item(f"{file.path}:{position}", raw)


def _texts(value: object, fields: Sequence[str], name: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name of the field, text) of the texts of a row, also those in lists and objects."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            if name or not fields or key in fields:
                yield from _texts(part, fields, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _texts(part, fields, f"{name}[{number}]")


def _folding(length: int) -> Duplicates:
    return Duplicates(shingle=length)


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return fold([text], _folding(1)).codes


def _grams(text: str, length: int) -> Hashes:
    """Return the hash of each n-gram of a normalised text, in order."""
    folding = _folding(length)
    return np.concatenate([np.empty(0, np.uint64), *(hashes for hashes, _ in hashed(fold([text], folding), folding))])
