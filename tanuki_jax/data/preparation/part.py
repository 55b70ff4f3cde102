"""The encoded documents of one unit on disk, until they are merged into a store.

Parts of texts have only what is not optional.
"""

import dataclasses
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import replacing


@dataclasses.dataclass(frozen=True)
class Part:
    """What is known of n documents beside their tokens, and of the rows that held none."""

    lengths: npt.NDArray[np.int64]
    """[n] tokens of each document, the end-of-document token included."""
    digests: npt.NDArray[np.uint64]
    """[n] hash of each text, or of what is said instead of it (`chats.Example.hashed`)."""
    pieces: npt.NDArray[np.int32]
    """[n] which of the unit's slices each is in."""
    rows: npt.NDArray[np.int64]
    """[n] row of each within its slice, from 0."""
    malformed: npt.NDArray[np.int64]
    """[] how many rows are malformed."""
    named_pieces: npt.NDArray[np.int32]
    """[m] slices of the rows that are named: the first malformed ones, dropped ones and shortened ones."""
    named_rows: npt.NDArray[np.int64]
    """[m] their rows within the slice."""
    named_reasons: npt.NDArray[np.str_]
    """[m] what is wrong with them."""
    rows_read: npt.NDArray[np.int64]
    """Rows of each slice of the unit, blank ones included."""
    characters: npt.NDArray[np.int64]
    """[] characters of all texts."""
    bytes: npt.NDArray[np.int64]
    """[] bytes of all texts in UTF-8."""
    named_kinds: npt.NDArray[np.str_] | None = None
    """[m] which of these each of the named rows is; None: malformed."""
    dropped: npt.NDArray[np.int64] | None = None
    """[] how many records are too long."""
    shortened: npt.NDArray[np.int64] | None = None
    """[] how many were too long and have lost turns."""
    learned: npt.NDArray[np.int64] | None = None
    """[] how many tokens are learned. Which ones is beside the tokens."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `finish` wrote at `path`."""
        with np.load(path, allow_pickle=False) as columns:
            return cls(**{name: columns[name] for name in columns.files})

    def finish(self, path: Path) -> None:
        """Writes the part at `path`, which tells that it and its tokens are complete."""
        with replacing(path) as partial, partial.open("wb") as file:
            columns = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
            np.savez(file, **{name: column for name, column in columns.items() if column is not None})


def tokens_path(part: Path) -> Path:
    """Where the tokens of the part at that path lie, raw and without a header."""
    return part.with_suffix(".tokens")


def learned_path(part: Path) -> Path:
    """Where it lies which of them are learned, uint8, raw and without a header."""
    return part.with_suffix(".learned")
