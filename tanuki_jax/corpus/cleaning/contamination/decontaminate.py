"""The tasks of decontamination: n-grams that are common without their item, and texts without items."""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.contamination.answer_choices import behind_choices, plain_choices
from tanuki_jax.corpus.cleaning.contamination.evaluation_items import EvaluationIndex, load
from tanuki_jax.corpus.cleaning.contamination.evaluation_settings import Evaluation
from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile, write_arrays
from tanuki_jax.corpus.cleaning.part_file import read_part

KIND, EVIDENCE = "n-grams without their item", "n-grams that are evidence"
_BORDER = re.compile(r"[。．！？!?][」』）)]*|\n")


def count_common(part: Path, out: Path, settings: Evaluation) -> None:
    """Write, for each n-gram, in how many documents of a part it is without one of its items."""
    index = load(settings)
    counts = count_without_items((document.text for document in read_part(part)), index)
    write_arrays(out, KIND, index.settings, {"counts": counts})


def count_without_items(texts: Iterable[str], index: EvaluationIndex) -> npt.NDArray[np.uint32]:
    """Return, for each n-gram of an index, in how many texts it is without one of its items.

    An item that was copied into a thousand documents must still be found in all of them, so documents with the item do
    not make its n-grams common.
    """
    counts, every = np.zeros(index.size, np.uint32), np.ones(index.size, np.bool_)
    for text in texts:
        found = index.occurrences(text)
        if len(found.grams):
            alone = np.zeros(index.size, np.bool_)
            alone[found.grams] = True
            for item in index.contained(found, every):
                if not index.is_short(item):  # a short one that is everywhere is a phrase, not a copied item
                    alone[index.grams_of[item]] = False
            counts += alone
    return counts


def find_evidence(counts: Sequence[Path], out: Path, settings: Evaluation) -> None:
    """Write which n-grams count as evidence, from the counts of all parts."""
    index = load(settings)
    total = np.zeros(index.size, np.int64)
    for path in counts:
        total += ArrayFile(path, KIND, index.settings).read("counts")
    write_arrays(out, EVIDENCE, index.settings, {"evidence": total < settings.common})


def read_evidence(path: Path, index: EvaluationIndex) -> npt.NDArray[np.bool_]:
    """Return which n-grams count as evidence, bool[size]."""
    return ArrayFile(path, EVIDENCE, index.settings).read("evidence")


@dataclasses.dataclass(frozen=True)
class Decontaminated:
    """A text without evaluation items."""

    text: str
    """Text that is left; empty: the document is dropped."""
    items: tuple[str, ...]
    """Names of the items that were found."""


def decontaminate(
    text: str, index: EvaluationIndex, counted: npt.NDArray[np.bool_], settings: Evaluation
) -> Decontaminated:
    """Return a text without the sentences that belong to evaluation items, and the choices that follow them.

    Args:
        text: text of a document.
        index: items.
        counted: which n-grams are evidence.
        settings: settings of the index.
    """
    occurrences = index.occurrences(text)
    items = index.contained(occurrences, counted) if len(occurrences.grams) else []
    if not items:
        return Decontaminated(text, ())
    names = tuple(f"{index.items[item].name}: {index.items[item].text[:60]}" for item in items)
    choices = plain_choices(text for item in items for text in index.items[item].beside)
    borders = np.array([0, *(match.end() for match in _BORDER.finditer(text)), len(text)])
    kept, last, cut = [], 0, 0
    for start, stop in index.spans(text, occurrences, items):
        begin = int(borders[np.searchsorted(borders, start, "right") - 1])
        end = behind_choices(text, int(borders[np.searchsorted(borders, stop, "left")]), choices)
        kept.append(text[last : max(begin, last)])
        cut += max(end - max(begin, last), 0)
        last = max(end, last)
    left = "".join([*kept, text[last:]]).strip()
    return Decontaminated("" if cut >= settings.dropped_from * len(text) else left, names)
