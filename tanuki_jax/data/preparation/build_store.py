"""Build the store of a source: worker processes encode units into parts while this process merges parts, in order."""

import glob
import hashlib
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import Executor, as_completed
from pathlib import Path

from tanuki_jax.data.preparation.encode_unit import encode_in_worker
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.preparation.merge_parts import Merge
from tanuki_jax.data.preparation.source_progress import SourceProgress, source_progress
from tanuki_jax.data.preparation.work_units import Unit
from tanuki_jax.data.store import Store, StoreWriter
from tanuki_jax.data.tokenizer.load import Tokenizer

PART_FORMAT = 1


def build(inventory: Inventory, folder: Path, tokenizer: Tokenizer, workers: Executor, malformed_share: float) -> Store:
    """Build the store of a source. After an interruption, only the parts that are missing are encoded.

    Args:
        inventory: files or tasks of the source.
        folder: folder of the store; its parts are in a hidden folder next to it until the store is complete.
        tokenizer: tokenizer with which the workers were started.
        workers: processes in which `start_worker` has run.
        malformed_share: share of the records that may be malformed or too long; InputError if more are.
    """
    parts = _parts_folder(inventory, folder, tokenizer)
    work = sum(unit.work for unit in inventory.units)
    with (
        source_progress(inventory.name, work, "documents" if inventory.source.tasks else "bytes") as progress,
        StoreWriter(
            folder,
            source=inventory.name,
            tokenizer_fingerprint=tokenizer.fingerprint,
            vocabulary=tokenizer.vocabulary,
            inputs=inventory.inputs,
            settings=inventory.settings,
            has_learned=inventory.rendering is not None,
            documents_per_record=inventory.rendering.documents_per_record if inventory.rendering else 1,
        ) as writer,
    ):
        merge = Merge(inventory, writer)
        for unit, part in _encoded(inventory, parts, writer.dtype.name, workers, progress):
            for line in merge.add(unit, part):
                progress.say(line)
        for line in merge.unnamed():
            progress.say(line)
        store = writer.commit(merge.statistics(malformed_share))
    shutil.rmtree(parts)
    return store


def _parts_folder(inventory: Inventory, folder: Path, tokenizer: Tokenizer) -> Path:
    """Return the folder of the parts, and delete those of the same store with other inputs or settings."""
    # The name is a hash of the data that determines the parts, so a run never continues with parts of another one. The
    # `repr` of units is part of it: renaming a field of a unit or slice invalidates the parts of interrupted runs.
    plan = [PART_FORMAT, tokenizer.fingerprint, inventory.settings, repr(inventory.inputs), repr(inventory.units)]
    fingerprint = hashlib.blake2b(json.dumps(plan).encode(), digest_size=8).hexdigest()
    parts = folder.with_name(f".{folder.name}.parts-{fingerprint}")
    for stale in folder.parent.glob(f".{glob.escape(folder.name)}.parts-*"):
        if stale != parts:
            shutil.rmtree(stale)
    parts.mkdir(parents=True, exist_ok=True)
    return parts


def _encoded(
    inventory: Inventory, parts: Path, dtype: str, workers: Executor, progress: SourceProgress
) -> Iterator[tuple[Unit, Path]]:
    """Yield every unit and its part in the order of the units, as soon as it and all parts before it are complete."""
    units = inventory.units
    paths = [parts / f"{number:08d}.npz" for number in range(len(units))]
    there = [path.exists() for path in paths]
    if any(there):
        progress.resume(sum(unit.work for unit, finished in zip(units, there, strict=True) if finished))
    futures = {
        workers.submit(encode_in_worker, unit, path, dtype, inventory.rendering): number
        for number, (unit, path) in enumerate(zip(units, paths, strict=True))
        if not there[number]
    }
    # Parts are completed in any order and merged in that of the units. One that is early waits on disk, not in memory.
    completed = as_completed(futures)
    for number, (unit, path) in enumerate(zip(units, paths, strict=True)):
        while not there[number]:
            future = next(completed)
            progress.advance(units[futures[future]].work, future.result())
            there[futures[future]] = True
        yield unit, path
