"""One source becomes its store: units to parts in worker processes, parts to the store in this one, both at the same time."""

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
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.preparation.merge_parts import Merge
from tanuki_jax.data.preparation.work_units import Unit
from tanuki_jax.data.store import Store, StoreWriter
from tanuki_jax.data.tokenizer.load import Tokenizer

PART_FORMAT = 1


def build(inventory: Inventory, folder: Path, tokenizer: Tokenizer, workers: Executor, malformed_share: float) -> Store:
    """Makes the store of a source. A run that was interrupted is continued: the parts that it finished are not made again.

    Args:
        inventory: the source.
        folder: where the store will be; parts lie in a hidden folder beside it until it is done.
        tokenizer: the one that `workers` encode with.
        workers: processes in which `start_worker` has run.
        malformed_share: share of the records that may be malformed; InputError if more are.
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
            inputs=inventory.inputs,
            settings=inventory.settings,
            has_learned=inventory.rendering is not None,
            documents_per_record=inventory.rendering.documents if inventory.rendering else 1,
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
    """The folder whose name tells all that determines the parts. Those of other plans for the same store are deleted."""
    plan = [PART_FORMAT, tokenizer.fingerprint, inventory.settings, repr(inventory.inputs), repr(inventory.units)]
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
    """Every unit and its part, in order, as soon as it and those before it are there."""
    units = inventory.units
    existing = [path.exists() for path in paths]
    futures = {
        workers.submit(encode_in_worker, unit, path, dtype, inventory.rendering): number
        for number, (unit, path) in enumerate(zip(units, paths, strict=True))
        if not existing[number]
    }
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
