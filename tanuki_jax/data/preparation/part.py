"""Parts: the encoded documents of one unit on disk, until they are merged into a store.

Parts of texts have no optional columns.
"""

import dataclasses
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import replacing

type Fault = Literal["malformed", "dropped", "shortened", "unused"]
"""Fault of a row: it holds no record, a record that is too long, one that was too long and was shortened, or one that
teaches nothing, such as a pair of equal answers."""
FAULTS: tuple[Fault, ...] = ("malformed", "dropped", "shortened", "unused")

FAULTS_NAMED = 20
"""Rows of each fault whose location and reason are recorded; all are counted."""


@dataclasses.dataclass(frozen=True)
class Part:
    """Columns of n documents, without their tokens, and of the rows with a fault. Field names are the file's."""

    lengths: npt.NDArray[np.int64]
    """[n] tokens of each document, the end-of-document token included."""
    digests: npt.NDArray[np.uint64]
    """[n] hash of each document's text, or of `Example.hashed`."""
    pieces: npt.NDArray[np.int32]
    """[n] index of each document's slice in the unit."""
    rows: npt.NDArray[np.int64]
    """[n] row of each document within its slice, from 0."""
    malformed: npt.NDArray[np.int64]
    """[] number of malformed rows."""
    named_pieces: npt.NDArray[np.int32]
    """[m] slices of the named rows: the first FAULTS_NAMED of each fault."""
    named_rows: npt.NDArray[np.int64]
    """[m] rows of the named rows within their slices."""
    named_reasons: npt.NDArray[np.str_]
    """[m] reasons of their faults."""
    rows_read: npt.NDArray[np.int64]
    """Rows of each slice of the unit, blank ones included."""
    characters: npt.NDArray[np.int64]
    """[] characters of all texts."""
    bytes: npt.NDArray[np.int64]
    """[] bytes of all texts in UTF-8."""
    named_kinds: npt.NDArray[np.str_] | None = None
    """[m] faults of the named rows; None: all are malformed."""
    dropped: npt.NDArray[np.int64] | None = None
    """[] number of records that are too long."""
    shortened: npt.NDArray[np.int64] | None = None
    """[] number of records that were too long and were shortened."""
    unused: npt.NDArray[np.int64] | None = None
    """[] number of records that teach nothing."""
    learned: npt.NDArray[np.int64] | None = None
    """[] number of learned tokens; the weights are in the file `learned_path`."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the part that `finish` wrote at `path`."""
        with np.load(path, allow_pickle=False) as columns:
            return cls(**{name: columns[name] for name in columns.files})

    def finish(self, path: Path) -> None:
        """Write the part at `path`. It is written last: if it exists, its tokens are complete."""
        with replacing(path) as partial, partial.open("wb") as file:
            columns = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
            np.savez(file, **{name: column for name, column in columns.items() if column is not None})


def tokens_path(part: Path) -> Path:
    """Return the path of a part's tokens, a file without a header."""
    return part.with_suffix(".tokens")


def learned_path(part: Path) -> Path:
    """Return the path of the weights of a part's tokens, as codes, uint8, a file without a header."""
    return part.with_suffix(".learned")
