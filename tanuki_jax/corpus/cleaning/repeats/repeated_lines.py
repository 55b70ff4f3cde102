"""Lines and paragraphs that many documents have: copied advertisement, menus, notices inside otherwise good pages."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes
from tanuki_jax.corpus.cleaning.duplicates.shingles import fold
from tanuki_jax.corpus.cleaning.duplicates.signature_files import hash_of
from tanuki_jax.corpus.cleaning.repeats.count_repeats import write_units
from tanuki_jax.corpus.cleaning.repeats.repeat_settings import Repeats
from tanuki_jax.corpus.cleaning.repeats.surviving_rows import survivors


def line_settings(settings: Repeats) -> dict[str, int]:
    """Return the settings on which the units of lines depend."""
    return {"shortest_line": settings.shortest_line}


def list_lines(part: Path, out: Path, settings: Repeats, *, fates: Path | None = None, url: str = "") -> None:
    """Write the lines and paragraphs of a part's documents as units for `count_repeats`.

    Arguments are those of `survivors`. The task holds 24 bytes for each line of the part.
    """
    columns: list[list[Hashes]] = [[np.empty(0, np.uint64)] for _ in range(3)]
    for some in survivors(part, fates, url):
        hashes, owners = _units(some.texts, settings)
        for column, values in zip(columns, (hashes, some.documents[owners], some.hosts[owners]), strict=True):
            column.append(values)
    write_units(out, line_settings(settings), *(np.concatenate(column) for column in columns))


def remove_repeated(text: str, repeated: Hashes, settings: Repeats) -> str:
    """Return a text without its repeated lines and paragraphs; blank lines that then follow each other become one.

    Args:
        text: text as it was counted.
        repeated: sorted hashes of lines and paragraphs (`read_repeats`).
        settings: settings with which they were counted.
    """
    lines = text.split("\n")
    spans = _spans(lines)
    hashes = _hashes(["".join(lines[start:stop]) for start, stop in spans], settings)
    gone = np.zeros(len(lines), np.bool_)
    for index in np.flatnonzero((hashes != 0) & _among(hashes, repeated)):
        gone[slice(*spans[index])] = True
    if not gone.any():
        return text
    kept: list[str] = []
    for number, line in enumerate(lines):
        blank_twice = not line.strip() and (not kept or not kept[-1].strip()) and gone[:number].any()
        if not gone[number] and not (blank_twice and number < len(lines) - 1):
            kept.append(line)
    return "\n".join(kept)


def _units(texts: Sequence[str], settings: Repeats) -> tuple[Hashes, npt.NDArray[np.intp]]:
    """Return the hashes of all lines and paragraphs that are long enough, and the number of the text of each."""
    pieces: list[str] = []
    counts = []
    for text in texts:
        lines = text.split("\n")
        spans = _spans(lines)
        pieces += ["".join(lines[start:stop]) for start, stop in spans]
        counts.append(len(spans))
    hashes = _hashes(pieces, settings)
    owners = np.repeat(np.arange(len(texts)), np.array(counts, np.intp))
    return hashes[hashes != 0], owners[hashes != 0]


def _spans(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Return the ranges of lines of all lines, and of paragraphs of several lines."""
    spans = [(number, number + 1) for number, line in enumerate(lines) if line.strip()]
    start = 0
    for number in range(len(lines) + 1):
        if number == len(lines) or not lines[number].strip():
            if number - start > 1:
                spans.append((start, number))
            start = number + 1
    return spans


def _hashes(pieces: Sequence[str], settings: Repeats) -> Hashes:
    """Return the hash of each piece, normalised; 0: it is too short."""
    folded = fold(pieces, settings.folding())
    hashes = np.zeros(len(pieces), np.uint64)
    for index in np.flatnonzero(np.diff(folded.starts) >= settings.shortest_line).tolist():
        hashes[index] = hash_of(folded, index)
    return hashes


def _among(hashes: Hashes, ordered: Hashes) -> npt.NDArray[np.bool_]:
    """Whether each hash is in a sorted array."""
    if not len(ordered):
        return np.zeros(len(hashes), np.bool_)
    at = np.minimum(np.searchsorted(ordered, hashes), len(ordered) - 1)
    found: npt.NDArray[np.bool_] = ordered[at] == hashes
    return found
