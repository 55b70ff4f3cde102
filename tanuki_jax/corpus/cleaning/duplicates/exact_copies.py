"""Documents with equal normalised texts, found by one task for each range of hashes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tanuki_jax.corpus.cleaning.duplicates.array_file import write_arrays
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import gather, starts_of_runs
from tanuki_jax.corpus.cleaning.duplicates.signature_files import open_signatures

KIND = "exact copies"


def find_copies(index: int, count: int, signatures: Sequence[Path], out: Path, settings: Duplicates) -> None:
    """Write the rows whose normalised text occurs more than once, sorted by its hash, with their addresses.

    An address is the number of the part in `signatures` << 32 | the row. The task holds 16 bytes for each document in
    its range of hashes.

    Args:
        index: number of the task, below `count`.
        count: number of tasks.
        signatures: signature files of all parts.
        out: file to write.
        settings: settings of the signatures.
    """
    files = [open_signatures(path, settings) for path in signatures]
    hashes, addresses = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for part, file in enumerate(files):
        ours, rows = gather([file], "sorted_hashes", ["sorted_hashes", "sorted_rows"], index, count)
        hashes.append(ours)
        addresses.append(rows.astype(np.uint64) | np.uint64(part << 32))
    keys = np.concatenate(hashes)
    order = np.argsort(keys, kind="stable")
    keys, places = keys[order], np.concatenate(addresses)[order]
    first = starts_of_runs(keys)
    alone = first & np.append(first[1:], True)
    copies, extra = int((~alone).sum()), int((~first).sum())
    arrays = {"nodes": keys[~alone], "addresses": places[~alone]}
    write_arrays(out, KIND, settings.of_signatures(), arrays, copies=copies, extra=extra)
