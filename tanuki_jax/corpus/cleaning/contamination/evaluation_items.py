"""Evaluation items as hashes of n-grams, and where a text has them.

GPT-3 (Brown et al. 2020, appendix C) searches word 13-grams; Japanese has no spaces, so n-grams are of characters.
"""

import dataclasses
import functools
import hashlib
import itertools
import re
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
_SENTENCE = re.compile(r"[。．.？?！!][」』）)\"]*\s*$")
"""End of a sentence. A short text without one is a name or a choice, which any document may have."""


@dataclasses.dataclass(frozen=True)
class Item:
    """A text of an evaluation."""

    name: str
    """File, position of the row and field."""
    text: str
    beside: tuple[str, ...] = ()
    """Other texts of its row, such as the choices of a question."""


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
    """N-grams of evaluation items, numbered; an item that is shorter than an n-gram counts as one.

    Attributes:
        items: items that are long enough, each text once.
        size: number of different n-grams.
        grams_of: numbers of the n-grams of each item, each once.
    """

    def __init__(self, items: Sequence[Item], settings: Evaluation) -> None:
        self._settings = settings
        by_text: dict[str, list[Item]] = {}
        for item in items:
            by_text.setdefault(item.text, []).append(item)
        once = [
            dataclasses.replace(same[0], beside=tuple(dict.fromkeys(text for item in same for text in item.beside)))
            for same in by_text.values()
        ]
        folded = fold([item.text for item in once], _folding(1))
        codes = [folded.codes[start:stop] for start, stop in itertools.pairwise(folded.starts)]
        long = [number for number, each in enumerate(codes) if len(each) >= settings.gram]
        short = [
            number
            for number, each in enumerate(codes)
            if settings.shortest <= len(each) < settings.gram and _SENTENCE.search(once[number].text)
        ]
        self.left_out = len(once) - len(long) - len(short)
        """Number of different texts that are too short, or no sentences."""
        self.items = [once[number] for number in [*long, *short]]
        hashes, owners = _grams([self.items[number].text for number in range(len(long))], settings.gram)
        self._hashes, numbers = np.unique(hashes, return_inverse=True)
        pairs = np.unique(np.stack([owners, numbers]), axis=1)
        starts = np.searchsorted(pairs[0], np.arange(len(long) + 1))
        self.grams_of = [pairs[1][start:stop] for start, stop in itertools.pairwise(starts)]
        self._short = [codes[number] for number in short]
        self.grams_of += [np.array([len(self._hashes) + number]) for number in range(len(short))]
        self.size = len(self._hashes) + len(short)
        prefixes, places = _grams([once[number].text for number in short], settings.shortest)
        first = np.flatnonzero(np.diff(places, prepend=-1))
        order = np.argsort(prefixes[first], kind="stable")
        self._prefixes, self._prefix_owners = prefixes[first][order], order
        every = np.concatenate([*self.grams_of, np.empty(0, np.intp)]).astype(np.intp)
        owners = np.repeat(np.arange(len(self.items)), [len(grams) for grams in self.grams_of])
        self._owners = owners[np.argsort(every, kind="stable")]
        self._owner_starts = np.concatenate([[0], np.cumsum(np.bincount(every, minlength=self.size))])

    def is_short(self, item: int) -> bool:
        """Whether an item is shorter than an n-gram."""
        return int(self.grams_of[item][0]) >= len(self._hashes)

    @property
    def settings(self) -> dict[str, int | float | str]:
        """Return the settings on which counts of the n-grams depend, and a hash of the n-grams."""
        digest = hashlib.blake2b(self._hashes.tobytes() + self._prefixes.tobytes(), digest_size=8)
        return {"overlap": self._settings.overlap, "n-grams": digest.hexdigest()}

    def occurrences(self, text: str) -> Occurrences:
        """Return where a text has n-grams of items."""
        found: list[tuple[int, int, int]] = []
        if len(self._hashes):
            hashes, _ = _grams([text], self._settings.gram)
            at = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
            places = np.flatnonzero(self._hashes[at] == hashes)
            pairs = zip(places.tolist(), at[places].tolist(), strict=True)
            found += [(place, self._settings.gram, gram) for place, gram in pairs]
        if self._short:
            found += self._short_items(text)
        places, lengths, grams = np.array(found, np.intp).reshape(-1, 3).T
        return Occurrences(places, lengths, grams)

    def _short_items(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Yield (place, length, number) of the items that are shorter than an n-gram and are in a text."""
        hashes, _ = _grams([text], self._settings.shortest)
        at = np.searchsorted(self._prefixes, hashes)
        places = np.flatnonzero(self._prefixes[np.minimum(at, len(self._prefixes) - 1)] == hashes)
        codes = fold([text], _folding(1)).codes if len(places) else np.empty(0, np.uint32)
        for place in places.tolist():
            first = at[place]
            while first < len(self._prefixes) and self._prefixes[first] == hashes[place]:
                number = int(self._prefix_owners[first])
                item = self._short[number]
                if np.array_equal(codes[place : place + len(item)], item):
                    yield place, len(item), len(self._hashes) + number
                first += 1

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
                    every = [text for _, text in _texts(raw, ())]
                    for name, text in _texts(raw, settings.fields):
                        beside = tuple(other for other in every if other != text)
                        yield Item(f"{file.path}:{position} {name}", text, beside)
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


def _grams(texts: Sequence[str], length: int) -> tuple[Hashes, npt.NDArray[np.intp]]:
    """Return the hash of each n-gram of normalised texts, in order, and the number of its text."""
    folding = _folding(length)
    found = list(hashed(fold(texts, folding), folding)) if texts else []
    return (
        np.concatenate([np.empty(0, np.uint64), *(hashes for hashes, _ in found)]),
        np.concatenate([np.empty(0, np.intp), *(owners for _, owners in found)]),
    )
