"""Long passages that two documents share: found by winnowed fingerprints, and cut from all documents but one.

Winnowing (Schleimer, Wilkerson, Aiken 2003, "Winnowing: Local Algorithms for Document Fingerprinting") keeps the least
hash of every `window` consecutive n-grams. Which n-grams that are depends on the passage alone, so both documents keep
the same inside a shared one. The document whose normalised text has the least hash keeps the passage. A document that
is cut must be cut as a whole before it is read again: fingerprints are those of the text as it was counted.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes
from tanuki_jax.corpus.cleaning.duplicates.shingles import fold, hashed, kept_positions, mix
from tanuki_jax.corpus.cleaning.repeats.count_repeats import write_units
from tanuki_jax.corpus.cleaning.repeats.repeat_settings import Repeats
from tanuki_jax.corpus.cleaning.repeats.surviving_rows import document_hashes, survivors

_BORDER = re.compile(r"[。．！？!?][」』）)]*|\n")
"""End of a sentence or a line."""


def passage_settings(settings: Repeats) -> dict[str, int]:
    """Return the settings on which fingerprints depend."""
    return {"gram": settings.gram, "window": settings.window}


def list_fingerprints(part: Path, out: Path, settings: Repeats, *, fates: Path | None = None, url: str = "") -> None:
    """Write the fingerprints of a part's documents as units for `count_repeats`, with at least two documents.

    Arguments are those of `survivors`. The task holds 24 bytes for each fingerprint: 1 kB for 1,000 characters.
    """
    columns: list[list[Hashes]] = [[np.empty(0, np.uint64)] for _ in range(3)]
    for some in survivors(part, fates, url):
        for text, document, host in zip(some.texts, some.documents, some.hosts, strict=True):
            units = fingerprints(text, settings)[1]
            for column, values in zip(columns, (units, document, host), strict=True):
                column.append(np.broadcast_to(values, len(units)))
    write_units(out, passage_settings(settings), *(np.concatenate(column) for column in columns))


def fingerprints(text: str, settings: Repeats) -> tuple[npt.NDArray[np.intp], Hashes]:
    """Return the positions of a text's fingerprints in its normalised text, and their hashes.

    The least hashes of windows are small numbers. They are mixed again, so that ranges of them are of one size.
    """
    folding = settings.folding()
    grams = np.concatenate([np.empty(0, np.uint64), *(hashes for hashes, _ in hashed(fold([text], folding), folding))])
    if not len(grams):
        return np.empty(0, np.intp), grams
    window = min(settings.window, len(grams))
    # From right to left, for the first of equal hashes is then the last one: repeated text gets few fingerprints.
    windows = np.lib.stride_tricks.sliding_window_view(grams[::-1], window)
    least = len(grams) - 1 - (np.arange(len(windows)) + windows.argmin(axis=1))
    places = np.unique(least)
    return places, mix(grams[places])


def cut_copied(text: str, copied: Hashes, owners: Hashes, settings: Repeats) -> str:
    """Return a text without the passages that another document keeps.

    Args:
        text: text as it was counted.
        copied: sorted hashes of fingerprints that several documents have (`read_repeats`).
        owners: hash of the document that keeps each.
        settings: settings with which they were counted.
    """
    spans = list(copied_spans(text, copied, owners, settings))
    for start, stop in reversed(spans):
        text = text[:start] + text[stop:]
    return text


def copied_spans(text: str, copied: Hashes, owners: Hashes, settings: Repeats) -> Iterator[tuple[int, int]]:
    """Yield the ranges of characters that `cut_copied` cuts, in their order.

    A range begins and ends at the end of a sentence or a line. A passage may go on up to window - 1 characters beyond
    its fingerprints on both sides; if no sentence ends there, the range ends before them.
    """
    places, units = fingerprints(text, settings)
    if not len(copied) or not len(places):
        return
    at = np.minimum(np.searchsorted(copied, units), len(copied) - 1)
    foreign = (copied[at] == units) & (owners[at] != document_hashes([text])[0])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], foreign, [False]]).astype(np.int8)))
    raw = kept_positions(text, settings.folding())
    borders = np.array([0, *(match.end() for match in _BORDER.finditer(text)), len(text)])
    last = 0
    for first, after in edges.reshape(-1, 2).tolist():
        low, high = int(places[first]), int(places[after - 1]) + settings.gram
        if high - low < settings.covered:
            continue
        reach = settings.window - 1
        start = _border(borders, raw[max(low - reach, 0)], raw[low], first=True)
        stop = _border(borders, raw[high - 1] + 1, raw[min(high - 1 + reach, len(raw) - 1)] + 1, first=False)
        start = max(start, last)
        if start < stop:
            yield start, stop
            last = stop


def _border(borders: npt.NDArray[np.intp], low: int, high: int, *, first: bool) -> int:
    """Return the border within [low, high] that is nearest to the passage, or the next one inside the passage."""
    if first:
        at = int(np.searchsorted(borders, high, "right")) - 1
        return int(borders[at] if borders[at] >= low else borders[min(at + 1, len(borders) - 1)])
    at = int(np.searchsorted(borders, low, "left"))
    return int(borders[at] if borders[at] <= high else borders[at - 1])
