"""Make the tokenizer of an experiment and the token store of each source, unless they exist."""

import dataclasses
import fcntl
import logging
import multiprocessing
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.leases import Leases, delete_claims, locked
from tanuki_jax.base.progress import progress
from tanuki_jax.config.experiment import Data
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.corpus.chat import template_files
from tanuki_jax.data.preparation.build_store import build
from tanuki_jax.data.preparation.encode_unit import start_worker
from tanuki_jax.data.preparation.input_changes import difference
from tanuki_jax.data.preparation.inventory import Inventory, take_inventory
from tanuki_jax.data.preparation.malformed_sample import check_sample
from tanuki_jax.data.preparation.templates import configured_template, with_renderings
from tanuki_jax.data.preparation.tokenizer_recipe import recipe_change, recipe_of, write_recipe
from tanuki_jax.data.preparation.tokenizer_sample import sample
from tanuki_jax.data.store import UNRECORDED, Store
from tanuki_jax.data.tokenizer.bos_ids import bos_ids
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.data.tokenizer.training import train

LOCK = ".lock"
"""File in the folder of the stores that all processes lock together, and a process without `join` first for itself."""
TOKENIZER = "tokenizer"
"""Name by which the training of the tokenizer is claimed."""
WAIT_SECONDS = 0.5
"""Seconds between two attempts to claim it."""
_log = logging.getLogger("tanuki_jax.data")


@dataclasses.dataclass(frozen=True)
class PreparedStore:
    """Store of a source."""

    store: Store
    is_new: bool
    """Whether this run made the store."""


def prepare(data: Data, mixture: Mixture, workers: int, *, join: bool = False) -> list[PreparedStore]:
    """Train the tokenizer at `data.tokenizer.path` if there is none, then make every store that does not exist.

    The template that `data.tokenizer` names is written into the tokenizer's folder, if that has no template.

    Args:
        data: paths of tokenizer and stores, and settings.
        mixture: the mixture that `data.mixture` names.
        workers: number of processes that encode.
        join: share the work with other processes that prepare the same stores, instead of refusing to.

    Returns:
        The stores, in the order of the mixture's sources.

    Raises:
        InputError: a source is missing or empty (before any work begins); a store exists that was made with another
            tokenizer or from other inputs; more than `data.malformed_share` of a source is malformed; chats
            have no template, or one that marks nothing as learned; another process prepares the same stores, and
            `join` is false.
    """
    inventories = take_inventory(mixture)
    template = configured_template(data.tokenizer)
    stores = Path(data.stores)
    with _registered(stores, join):
        tokenizer = _tokenizer(data, mixture, inventories)
        begin = bos_ids(tokenizer, Path(data.tokenizer.path)) if data.tokenizer.bos == "auto" else ()
        inventories = [
            dataclasses.replace(each, bos_ids=begin) if each.source.form == "text" else each for each in inventories
        ]
        inventories = with_renderings(inventories, data, tokenizer, template)
        if template is not None and template_files.find(Path(data.tokenizer.path)) is None:
            template_files.write(Path(data.tokenizer.path), template)
        existing = [_existing(inventory, stores / inventory.name, tokenizer) for inventory in inventories]
        units = max(
            (len(inventory.units) for inventory, store in zip(inventories, existing, strict=True) if store is None),
            default=1,
        )
        ahead = workers + workers // 4 + 1
        with _worker_processes(min(workers, units), data.tokenizer.path) as pool:
            prepared = [
                store or build(inventory, stores / inventory.name, tokenizer, pool, data.malformed_share, ahead=ahead)
                for inventory, store in zip(inventories, existing, strict=True)
            ]
        if join:  # another process may have made them, with other settings
            for inventory in inventories:
                _existing(inventory, stores / inventory.name, tokenizer)
    return [PreparedStore(store, is_new=old is None) for store, old in zip(prepared, existing, strict=True)]


def _tokenizer(data: Data, mixture: Mixture, inventories: Sequence[Inventory]) -> Tokenizer:
    config = data.tokenizer
    path = Path(config.path)
    recipe = recipe_of(config, mixture, inventories)
    if not path.exists() and path.suffix not in (".model", ".json"):
        with _claimed_training(Path(data.stores)):
            if not path.exists():
                check_sample(inventories, data.malformed_share)
                print(f"training a tokenizer of {config.pieces:,} pieces in {path}", file=sys.stderr, flush=True)
                train(sample(mixture, inventories, config.sample_bytes), config, path)
                write_recipe(path, recipe)
    elif change := recipe_change(path, recipe):
        _log.warning("the tokenizer %s is used as it is: %s; delete it to train another", path, change)
    return load(path)


def _existing(inventory: Inventory, folder: Path, tokenizer: Tokenizer) -> Store | None:
    """Open the store in `folder`, if there is one. InputError if this run would make a different one."""
    if not folder.exists():
        return None
    store = Store.open(folder)
    reason = ""
    if store.tokenizer_fingerprint != tokenizer.fingerprint:
        reason = "another tokenizer"
    elif change := difference(store.inputs, inventory.inputs):
        reason = change
    elif store.settings != inventory.settings:
        made, wanted = ({**UNRECORDED, **settings} for settings in (store.settings, inventory.settings))
        names = (name for name in dict.fromkeys((*made, *wanted)) if made.get(name) != wanted.get(name))
        reason = ", ".join(f"{name} = {made.get(name)!r}, not {wanted.get(name)!r}" for name in names)
    if reason:
        raise InputError(f"the token store {folder} was made with {reason}; delete {folder} to prepare it again")
    return store


@contextmanager
def _worker_processes(count: int, tokenizer: str) -> Iterator[Executor]:
    """Start processes that encode; an error or Ctrl-C in the block ends them at once."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=start_worker, initargs=(tokenizer,))
    try:
        yield pool
    except BrokenProcessPool:
        raise InputError(
            "a worker process was killed, most likely because memory ran out: continue with fewer --workers"
        ) from None
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _claimed_training(stores: Path) -> Iterator[None]:
    """Wait until no other process trains the tokenizer of these stores, and claim the training during the block."""
    with Leases(stores) as leases:
        if not leases.attempt(TOKENIZER):
            with progress("waiting for another process, which trains the tokenizer", None):
                while not leases.attempt(TOKENIZER):
                    time.sleep(WAIT_SECONDS)
        yield


@contextmanager
def _registered(stores: Path, join: bool) -> Iterator[None]:
    """Register with the other processes that prepare stores in the folder; InputError if `join` is false and there are.

    What killed processes have left is deleted by a process that is alone, at the beginning and at the end.
    """
    stores.mkdir(parents=True, exist_ok=True)
    with open(stores / LOCK, "a+") as file:
        is_alone = locked(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_alone is False and not join:
            raise InputError(
                f"another process prepares the stores in {stores}; wait until it is done, or share its work with --join"
            )
        if is_alone:
            _delete_leftovers(stores)
        locked(file.fileno(), fcntl.LOCK_SH)
        try:
            yield
        finally:
            if locked(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB):
                _delete_leftovers(stores)


def _delete_leftovers(stores: Path) -> None:
    """Delete claims and partial files of processes that have ended, and the parts of stores that are complete."""
    delete_claims(stores)
    for draft in stores.glob(".*.draft"):  # those of older versions
        shutil.rmtree(draft)
    for parts in stores.glob(".*.parts-*"):
        if (stores / parts.name[1:].rpartition(".parts-")[0]).exists():
            shutil.rmtree(parts)
        elif delete_claims(parts):  # else a host that the lock does not reach works on them
            for leftover in parts.glob(".*"):
                if leftover.is_dir():
                    shutil.rmtree(leftover)
                else:
                    leftover.unlink()
