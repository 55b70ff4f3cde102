"""The first task of finding duplicates: a part of documents becomes a file of signatures.

A signature file depends on its part and the settings alone, so that a crawl that is added later leaves the files of
the parts before it untouched. For a document of 1,000 characters it has about 5.3 kB: 1.2 kB of bands and 4 kB of
shingles to compare by (`Duplicates.sketch`). The task holds the band keys of its part in memory, 0.8 kB a document.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.draft import seed_of
from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile, ArrayWriter, writing
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes
from tanuki_jax.corpus.cleaning.duplicates.shingles import Folded, fold
from tanuki_jax.corpus.cleaning.duplicates.sketching import sign

KIND = "signatures"
_BY_ROW: dict[str, npt.DTypeLike] = {
    "sketch": np.uint32,
    "levels": np.uint8,
    "locality": np.uint64,
    "lengths": np.uint32,
    "ids": np.uint64,
    "scores": np.float64,
}
_BATCH_ROWS = 512
_BATCH_CHARACTERS = 1 << 20


def sign_part(part: Path, out: Path, settings: Duplicates, score: str = "") -> None:
    """Write the signatures of a Parquet file with the columns `id` and `text`.

    Args:
        part: file of documents.
        out: file to write.
        settings: settings of all parts that are compared.
        score: column of numbers by which the kept copy is chosen, the highest first; empty: none.

    Raises:
        InputError: a column is missing.
    """
    with writing(out, KIND, settings.of_signatures()) as writer:
        rows = _sign_rows(part, writer, settings, score)
        hashes = np.concatenate([hashes for hashes, _, _ in rows] or [np.empty(0, np.uint64)])
        order = np.argsort(hashes, kind="stable").astype(np.uint32)
        writer.append("hashes", hashes)
        writer.append("sorted_hashes", hashes[order])
        writer.append("sorted_rows", order)
        keys = np.concatenate([keys for _, keys, _ in rows] or [np.empty((0, settings.bands), np.uint64)])
        owners = np.concatenate([owners for _, _, owners in rows] or [np.empty(0, np.uint32)])
        for band in range(settings.bands):
            order = np.argsort(keys[:, band], kind="stable").astype(np.uint32)
            writer.append("keys", keys[order, band])
            writer.append("key_rows", owners[order])
        writer.facts = {"documents": len(hashes), "banded": len(owners), "source_bytes": part.stat().st_size}


def is_current(part: Path, signatures: Path, settings: Duplicates) -> bool:
    """Whether a part has a signature file. InputError if the file is of another format, of other settings, or of a
    part that has changed since."""
    if not signatures.exists():
        return False
    if open_signatures(signatures, settings).facts["source_bytes"] != part.stat().st_size:
        raise InputError(f"{part} has changed since {signatures} was made; delete that file, and it is made anew")
    return True


def open_signatures(path: Path, settings: Duplicates) -> ArrayFile:
    """Open a signature file. InputError if it is of another format or of other settings."""
    return ArrayFile(path, KIND, settings.of_signatures())


def band(file: ArrayFile, index: int) -> tuple[Hashes, npt.NDArray[np.uint32]]:
    """Return the sorted keys of one band, and the row of each, mapped into memory. Of rows with equal normalised
    texts, the first alone is there."""
    banded = file.facts["banded"]
    cut = slice(index * banded, (index + 1) * banded)
    return file["keys"][cut], file["key_rows"][cut]


def hash_of(folded: Folded, index: int) -> int:
    """Return the hash of a normalised text: texts with one hash are exact copies. Among 10^9 different texts two have
    one hash with a probability of 3%."""
    return int.from_bytes(hashlib.blake2b(folded.text(index), digest_size=8).digest(), "little")


def _sign_rows(
    part: Path, writer: ArrayWriter, settings: Duplicates, score: str
) -> list[tuple[Hashes, Hashes, npt.NDArray[np.uint32]]]:
    """Write what is kept in the order of rows. Return, of each batch, the hashes of all rows, and the band keys and
    row numbers of those whose normalised text is new."""
    seen: set[int] = set()
    batches, first, sketched = [], 0, np.zeros(1, np.uint64)
    for name, kind in _BY_ROW.items():
        writer.append(name, np.empty(0, kind))  # a part may be empty
    writer.append("sketch_starts", sketched)
    for ids, texts, scores in _batches(part, score):
        folded = fold(texts, settings)
        hashes = np.array([hash_of(folded, index) for index in range(len(texts))], np.uint64)
        signed = sign(folded, settings)
        new = np.zeros(len(texts), np.bool_)
        new[np.unique(hashes, return_index=True)[1]] = True
        new &= np.array([value not in seen for value in hashes.tolist()], np.bool_)
        seen.update(hashes.tolist())
        writer.append("sketch", signed.sketch[np.repeat(new, signed.sketch_lengths)])
        sketched = sketched[-1] + np.cumsum(signed.sketch_lengths * new).astype(np.uint64)
        writer.append("sketch_starts", sketched)
        writer.append("levels", signed.levels)
        writer.append("locality", signed.locality)
        writer.append("lengths", np.array([len(text) for text in texts], np.uint32))
        writer.append("ids", np.array([seed_of(id) for id in ids], np.uint64))
        writer.append("scores", scores)
        banded = np.flatnonzero(new & (signed.counts > 0))
        batches.append((hashes, signed.keys[banded], (banded + first).astype(np.uint32)))
        first += len(texts)
    return batches


def _batches(part: Path, score: str) -> Iterator[tuple[Sequence[str], Sequence[str], npt.NDArray[np.float64]]]:
    """Yield ids, texts and scores of some rows, of a bounded number of characters unless one text has more."""
    with pq.ParquetFile(part) as file:
        columns = ["id", "text", *([score] if score else [])]
        if missing := set(columns) - set(file.schema_arrow.names):
            raise InputError(
                f"{part} has no column {sorted(missing)[0]!r}; it has {', '.join(file.schema_arrow.names)}"
            )
        for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
            ids, texts, *rest = (column.to_pylist() for column in batch.columns)
            scores = np.array(
                [0.0 if value is None else value for value in rest[0]] if rest else [0.0] * len(ids), np.float64
            )
            start = characters = 0
            for index, text in enumerate(texts):
                characters += len(text)
                if characters > _BATCH_CHARACTERS or index == len(texts) - 1:
                    yield ids[start : index + 1], texts[start : index + 1], scores[start : index + 1]
                    start, characters = index + 1, 0
