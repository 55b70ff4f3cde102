"""Build the store of a source: worker processes encode units into parts while this process merges parts, in order."""

import glob
import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from pathlib import Path

from tanuki_jax.base.progress import Advance, amount, progress
from tanuki_jax.data.preparation.encode_unit import encode_in_worker
from tanuki_jax.data.preparation.input_changes import with_digests
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.preparation.merge_parts import Merge
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
    paths = [parts / f"{number:08d}.npz" for number in range(len(inventory.units))]
    work = sum(unit.work for unit in inventory.units)
    encoded = sum(unit.work for unit, path in zip(inventory.units, paths, strict=True) if path.exists())
    unit_of_work = "document" if inventory.source.tasks else "byte"
    with (
        progress(inventory.name, work, unit_of_work, done=encoded) as advance,
        StoreWriter(
            folder,
            source=inventory.name,
            tokenizer_fingerprint=tokenizer.fingerprint,
            vocabulary=tokenizer.vocabulary,
            inputs=with_digests(inventory.inputs),
            settings=inventory.settings,
            has_learned=inventory.rendering is not None,
            documents_per_record=inventory.rendering.documents_per_record if inventory.rendering else 1,
        ) as writer,
    ):
        if encoded:
            counts = f"{amount(encoded, unit_of_work)} of {amount(work, unit_of_work)}"
            advance.print(f"{inventory.name}: {counts} were encoded by an earlier run")
        merge = Merge(inventory, writer)
        for unit, part in _encoded(inventory, paths, writer.dtype.name, workers, advance):
            for line in merge.add(unit, part):
                advance.print(line)
        for line in merge.unnamed():
            advance.print(line)
        store = writer.commit(merge.statistics(malformed_share))
    shutil.rmtree(parts)
    return store


def _parts_folder(inventory: Inventory, folder: Path, tokenizer: Tokenizer) -> Path:
    """Return the folder of the parts, and delete those of the same store with other inputs or settings."""
    # The name is a hash of the data that determines the parts, so a run never continues with parts of another one. The
    # `repr` of units is part of it: renaming a field of a unit or slice invalidates the parts of interrupted runs.
    plan = [PART_FORMAT, tokenizer.fingerprint, inventory.settings, repr(inventory.inputs), repr(inventory.units)]
    times = [entry.modified for entry in inventory.inputs]
    plan += [times] if any(times) else []  # a file that was written since an earlier run read it
    fingerprint = hashlib.blake2b(json.dumps(plan).encode(), digest_size=8).hexdigest()
    parts = folder.with_name(f".{folder.name}.parts-{fingerprint}")
    for stale in folder.parent.glob(f".{glob.escape(folder.name)}.parts-*"):
        if stale != parts:
            shutil.rmtree(stale)
    parts.mkdir(parents=True, exist_ok=True)
    return parts


def _encoded(
    inventory: Inventory, paths: Sequence[Path], dtype: str, workers: Executor, advance: Advance
) -> Iterator[tuple[Unit, Path]]:
    """Yield every unit and its part in the order of the units, as soon as it and all parts before it are complete."""
    units = inventory.units
    existing = [path.exists() for path in paths]
    futures = {
        workers.submit(encode_in_worker, unit, path, dtype, inventory.rendering, inventory.bos_ids): number
        for number, (unit, path) in enumerate(zip(units, paths, strict=True))
        if not existing[number]
    }
    # Parts are completed in any order and merged in that of the units. One that is early waits on disk, not in memory.
    completed = as_completed(futures)
    began, tokens = time.monotonic(), 0
    for number, (unit, path) in enumerate(zip(units, paths, strict=True)):
        while not existing[number]:
            future = next(completed)
            tokens += future.result()
            speed = f"{tokens / (time.monotonic() - began):,.0f} tokens/s"
            advance(units[futures[future]].work, status=speed)
            existing[futures[future]] = True
        yield unit, path
