"""A language model of characters, small enough to be trained and read by numpy alone."""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.character_classes import codepoints
from tanuki_jax.corpus.cleaning.ngrams import Hashes, extended

FORMAT = "tanuki characters 1"
"""Name and version of the file's format."""
ORDER = 5
"""Greatest number of characters of an n-gram."""
DISCOUNT = 0.75
"""Count that every n-gram gives to those that were not seen."""
_ARRAYS = ("hashes", "counts", "followed", "spare")
ALPHABET = 20_000
"""Number of characters among which one that was never seen is drawn."""

type Counts = npt.NDArray[np.uint32]
type Masses = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Order:
    """The n-grams of one length."""

    hashes: Hashes
    """Their hashes, each once, ascending."""
    counts: Counts
    followed: Counts
    """Number of occurrences of each that something follows."""
    spare: Masses
    """Part of `followed` that goes to characters which were not seen to follow."""


@dataclass(frozen=True, slots=True)
class CharacterModel:
    """Counts of n-grams of characters, interpolated with absolute discounting (Ney et al., 1994)."""

    orders: tuple[Order, ...]
    total: int
    """Number of characters it was trained on."""

    def perplexity(self, text: str) -> float:
        """Return the perplexity of a character of a text, white space left out; infinite if it has none."""
        points = _points(text)
        if not points.size:
            return math.inf
        chances = np.full(points.size, 1 / ALPHABET)
        first = self.orders[0]
        seen = _look_up(first.hashes, points)
        counts = np.where(seen >= 0, first.counts[seen], 0)
        unseen = DISCOUNT * len(first.hashes) / self.total
        chances = np.maximum(counts - DISCOUNT, 0) / self.total + unseen * chances
        grams = points
        for length in range(2, min(ORDER, points.size) + 1):
            contexts, grams = grams[:-1], extended(grams, points, length)
            before, order = self.orders[length - 2], self.orders[length - 1]
            context, gram = _look_up(before.hashes, contexts), _look_up(order.hashes, grams)
            follows = np.where(context >= 0, before.followed[context], 0)
            counts = np.where(gram >= 0, order.counts[gram], 0)
            here = chances[length - 1 :]
            with np.errstate(divide="ignore", invalid="ignore"):
                mixed = (np.maximum(counts - DISCOUNT, 0) + before.spare[context] * here) / follows
            chances[length - 1 :] = np.where(follows > 0, mixed, here)
        return float(np.exp(-np.log(chances).mean()))

    def save(self, path: Path) -> None:
        """Write the model as a .npz file of numpy."""
        arrays = {
            f"{name}{length}": getattr(order, name)
            for length, order in enumerate(self.orders, start=1)
            for name in _ARRAYS
        }
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, format=np.array(FORMAT), total=np.array(self.total), **arrays)


def train_characters(texts: Iterable[str], least: int = 1) -> CharacterModel:
    """Return a model of texts, such as an encyclopedia's; about 100 bytes of memory a character while it is made.

    Args:
        texts: texts that are typical of what should be kept.
        least: least count of an n-gram of three or more characters that is stored; 2 halves the file and more.

    Raises:
        InputError: the texts have too few characters to count.
    """
    points = [found for text in texts if (found := _points(text)).size >= ORDER]
    total = sum(found.size for found in points)
    if total < 1000:
        raise InputError(f"{total} characters are too few for a language model; give at least 1000")
    grams: list[Hashes] = points
    orders: list[Order] = []
    for length in range(1, ORDER + 1):
        contexts = [shorter[:-1] for shorter in grams]
        if length > 1:
            grams = [extended(shorter, found, length) for shorter, found in zip(grams, points, strict=True)]
        hashes, first, counts = np.unique(np.concatenate(grams), return_index=True, return_counts=True)
        kept = counts >= (least if length > 2 else 1)
        if orders:
            # The context of an n-gram is the one that is a character shorter and begins at the same place.
            before = orders[-1]
            place = _look_up(before.hashes, np.concatenate(contexts)[first])
            known = place >= 0
            np.add.at(before.followed, place[known], counts[known].astype(np.uint32))
            before.spare[:] = before.followed
            seen = known & kept
            np.subtract.at(before.spare, place[seen], (counts[seen] - DISCOUNT).astype(np.float32))
        size = int(kept.sum())
        kept_counts = counts[kept].astype(np.uint32)
        orders.append(Order(hashes[kept], kept_counts, np.zeros(size, np.uint32), np.zeros(size, np.float32)))
    return CharacterModel(tuple(orders), total)


@functools.lru_cache(4)
def load_characters(path: str) -> CharacterModel:
    """Return the model in a file that `CharacterModel.save` wrote. InputError if there is none."""
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = dict(file)
        if str(parts["format"]) != FORMAT:
            raise ValueError(f"its format is {parts['format']}, not {FORMAT}")
        orders = tuple(Order(*(parts[f"{name}{length}"] for name in _ARRAYS)) for length in range(1, ORDER + 1))
        return CharacterModel(orders, int(parts["total"]))
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(
            f"{path} holds no model of characters ({error}); make one by clean train perplexity"
        ) from error


def _points(text: str) -> Hashes:
    return codepoints("".join(text.split())).astype(np.uint64)


def _look_up(known: Hashes, wanted: Hashes) -> npt.NDArray[np.int64]:
    """Return the place of each hash among the known ones; -1: it is unknown."""
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[places] == wanted, places, -1)
