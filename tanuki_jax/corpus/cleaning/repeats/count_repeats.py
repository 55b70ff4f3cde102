"""Units (lines, paragraphs, fingerprints) counted across documents: tasks by part, by range of hashes, and by part.

`write_units` keeps what a part has, `count_repeats` adds up a range of hashes over all parts, and `select_repeats`
returns to each part the repeated units that occur in it, so that cutting a part needs memory for its own alone.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tanuki_jax.corpus.cleaning.duplicates.array_file import Array, ArrayFile, write_arrays
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes, gather, starts_of_runs, within

UNITS = "units of a part"
COUNTS = "counted units"
REPEATS = "repeated units of a part"
MOST_UNITS = 500_000
"""Units that a task of `count_repeats` holds at a time."""


def write_units(out: Path, settings: dict[str, int], units: Hashes, documents: Hashes, hosts: Hashes) -> None:
    """Write the units of a part: how many documents have each, the least hash of these, and on which hosts.

    Args:
        out: file to write.
        settings: settings on which the units depend.
        units: hash of every unit, as often as it occurs.
        documents: hash of the document of each.
        hosts: hash of the host of each; 0: not known.
    """
    owned = _distinct(units, documents)
    first = np.flatnonzero(starts_of_runs(owned[0]))
    places = _distinct(units, hosts)
    arrays = {
        "units": owned[0][first],
        "documents": np.diff(np.append(first, owned.shape[1])).astype(np.uint32),
        "owners": owned[1][first],
        "host_units": places[0][places[1] != 0],
        "hosts": places[1][places[1] != 0],
    }
    write_arrays(out, UNITS, settings, arrays)


def count_repeats(
    index: int,
    count: int,
    files: Sequence[Path],
    out: Path,
    settings: dict[str, int],
    *,
    documents: int,
    hosts: int,
    most_units: int = MOST_UNITS,
) -> None:
    """Write the units in a range of hashes that enough documents have, sorted.

    The range is counted in pieces, so that the task's memory does not grow with the corpus.

    Args:
        index: number of the task, below `count`.
        count: number of tasks.
        files: unit files of all parts.
        out: file to write.
        settings: settings on which the units depend.
        documents: least number of documents.
        hosts: least number of hosts; 0: hosts are not counted.
        most_units: units of each part that a piece holds, all parts together; 300 bytes each.
    """
    parts = [ArrayFile(path, UNITS, settings) for path in files]
    total = sum(part.rows("units") for part in parts) // count
    pieces = max(1, -(-total // most_units))
    units, counted = 0, list[tuple[Array, ...]]()
    for piece in range(pieces):
        found = _counted(parts, index * pieces + piece, count * pieces, with_hosts=hosts > 0)
        units += len(found[0])
        kept = (found[1] >= documents) & (found[2] >= hosts)
        counted.append(tuple(column[kept] for column in found))
    names = ("units", "documents", "hosts", "owners")
    arrays = {name: np.concatenate(column) for name, column in zip(names, zip(*counted, strict=True), strict=True)}
    write_arrays(out, COUNTS, settings, arrays, units=units, repeated=len(arrays["units"]))


def _counted(parts: Sequence[ArrayFile], index: int, count: int, *, with_hosts: bool) -> tuple[Array, ...]:
    """Return the units in a range of hashes, sorted, with their numbers of documents and hosts, and least document."""
    units, counts, owners = _sorted(gather(parts, "units", ["units", "documents", "owners"], index, count))
    first = np.flatnonzero(starts_of_runs(units))
    names = units[first]
    places = np.zeros(len(names), np.uint32)
    if with_hosts:
        found = _distinct(*gather(parts, "host_units", ["host_units", "hosts"], index, count))
        ends = np.searchsorted(found[0], names, "right") - np.searchsorted(found[0], names, "left")
        places = ends.astype(np.uint32)
    totals = np.add.reduceat(counts, first, dtype=np.uint32) if len(first) else counts
    return names, totals, places, owners[first]  # sorted by unit and owner: the first is the least


def select_repeats(file: Path, counted: Sequence[Path], out: Path, settings: dict[str, int]) -> None:
    """Write the repeated units that occur in a part, with the hash of the document that keeps them.

    Args:
        file: unit file of the part.
        counted: files of all tasks of `count_repeats`, in their order.
        out: file to write.
        settings: settings on which the units depend.
    """
    ours = ArrayFile(file, UNITS, settings)["units"]
    units, owners = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for index, path in enumerate(counted):
        repeated = ArrayFile(path, COUNTS, settings)
        names = repeated["units"]
        # A part is looked up in the counts, not they in it: they grow with the corpus, and there are as many parts.
        some = ours[within(ours, index, len(counted))] if len(names) else ours[:0]
        at = np.searchsorted(names, some)
        at[at == len(names)] = 0
        here = names[at] == some
        units.append(some[here])
        owners.append(repeated["owners"][at[here]])
    write_arrays(out, REPEATS, settings, {"units": np.concatenate(units), "owners": np.concatenate(owners)})


def read_repeats(path: Path, settings: dict[str, int]) -> tuple[Hashes, Hashes]:
    """Return the repeated units of a part, sorted, and the hash of the document that keeps each."""
    file = ArrayFile(path, REPEATS, settings)
    return file.read("units"), file.read("owners")


def _distinct(units: Array, others: Array) -> Array:
    """Return pairs [2, pair], sorted, each once."""
    order = np.lexsort((others, units))
    pairs = np.stack([units[order], others[order]])
    return pairs[:, starts_of_runs(pairs[0], pairs[1])]


def _sorted(columns: Sequence[Array]) -> list[Array]:
    """Return columns sorted by the first, then by the last."""
    order = np.lexsort((columns[-1], columns[0]))
    return [column[order] for column in columns]
