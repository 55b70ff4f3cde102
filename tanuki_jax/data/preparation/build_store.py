"""Build the store of a source: worker processes encode units into parts while one process merges parts, in order.

Any number of processes may build the same store at once, on hosts that share its folder. Each unit, and the merging, is
claimed by one of them. What they make does not depend on who makes it, so a claim that is lost, or granted twice, costs
time and nothing else.
"""

import glob
import hashlib
import json
import os
import shutil
from concurrent.futures import Executor
from pathlib import Path

from tanuki_jax.base.freed_memory import return_freed_memory
from tanuki_jax.base.leases import Leases, delete_claims
from tanuki_jax.base.progress import Advance, amount, progress
from tanuki_jax.data.preparation.encode_units import Encoding, encoded
from tanuki_jax.data.preparation.input_changes import with_digests
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.preparation.merge_parts import Merge
from tanuki_jax.data.store import Store, StoreWriter, dtype_of
from tanuki_jax.data.tokenizer.load import Tokenizer

PART_FORMAT = 1
MERGE = "merge"
"""Name by which the merging of a source's parts is claimed."""
AHEAD = 4
"""Units that are claimed at a time."""
WAIT_SECONDS = 0.2
"""Seconds between two attempts to claim the merging."""


def build(
    inventory: Inventory,
    folder: Path,
    tokenizer: Tokenizer,
    workers: Executor,
    malformed_share: float,
    *,
    ahead: int = AHEAD,
) -> Store:
    """Build the store of a source, or help other processes to. Parts that exist are used.

    Args:
        inventory: files or tasks of the source.
        folder: folder of the store; its parts are in a hidden folder next to it until the store is complete.
        tokenizer: tokenizer with which the workers were started.
        workers: processes in which `start_worker` has run.
        malformed_share: share of the records that may be malformed; InputError if more are.
        ahead: units that are claimed at a time, more than there are workers.
    """
    parts = _parts_folder(inventory, folder, tokenizer)
    work = sum(unit.work for unit in inventory.units)
    before = sum(inventory.units[number].work for number in encoded(inventory, parts))
    unit_of_work = "document" if inventory.source.tasks else "byte"
    try:
        with progress(inventory.name, work, unit_of_work, done=before) as advance, Leases(parts) as leases:
            if before:
                counts = f"{amount(before, unit_of_work)} of {amount(work, unit_of_work)}"
                advance.print(f"{inventory.name}: {counts} were encoded by an earlier run or another process")
            dtype = dtype_of(tokenizer.vocabulary).name
            encoding = Encoding(inventory, parts, dtype, workers, ahead, leases, advance)
            while not _exists(folder):
                if not leases.attempt(MERGE):
                    encoding.work(WAIT_SECONDS)
                elif not _exists(folder):
                    _merge(inventory, folder, tokenizer, encoding, malformed_share, parts, advance)
    except OSError:
        # Another process has made the store and deleted the parts while this one still worked on them.
        if not _exists(folder):
            raise
    shutil.rmtree(parts, ignore_errors=True)
    return Store.open(folder)


def _exists(folder: Path) -> bool:
    """Whether a folder exists. The names beside it are read: NFS would answer for a while that it does not."""
    return folder.name in os.listdir(folder.parent)


def _merge(
    inventory: Inventory,
    folder: Path,
    tokenizer: Tokenizer,
    encoding: Encoding,
    malformed_share: float,
    drafts: Path,
    advance: Advance,
) -> None:
    """Write the store of a source, part by part, in the order of the units, as soon as each is complete."""
    encoding.work(0)  # the files are hashed next
    with StoreWriter(
        folder,
        source=inventory.name,
        tokenizer_fingerprint=tokenizer.fingerprint,
        vocabulary=tokenizer.vocabulary,
        inputs=with_digests(inventory.inputs),
        settings=inventory.settings,
        has_learned=inventory.rendering is not None,
        documents_per_record=inventory.rendering.documents_per_record if inventory.rendering else 1,
        drafts=drafts,
    ) as writer:
        merge = Merge(inventory, writer)
        for number, unit in enumerate(inventory.units):
            encoding.work(0)  # also while parts are there: workers must not wait for the merging
            while (part := encoding.part(number)) is None:
                encoding.work(WAIT_SECONDS)
            for line in merge.add(unit, part):
                advance.print(line)
            return_freed_memory()
        for line in merge.unnamed():
            advance.print(line)
        writer.commit(merge.statistics(malformed_share))


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
        if stale != parts and delete_claims(stale):
            shutil.rmtree(stale, ignore_errors=True)
    parts.mkdir(parents=True, exist_ok=True)
    return parts
