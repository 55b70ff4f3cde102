"""Make the tokenizer of an experiment and the token store of each source, unless they exist."""

import dataclasses
import fcntl
import logging
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from tanuki_jax.base.errors import InputError
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
from tanuki_jax.data.store import Store
from tanuki_jax.data.tokenizer.bos_ids import bos_ids
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.data.tokenizer.training import train

LOCK = ".lock"
_log = logging.getLogger("tanuki_jax.data")


@dataclasses.dataclass(frozen=True)
class PreparedStore:
    """Store of a source."""

    store: Store
    is_new: bool
    """Whether this run made the store."""


def prepare(data: Data, mixture: Mixture, workers: int) -> list[PreparedStore]:
    """Train the tokenizer at `data.tokenizer.path` if there is none, then make every store that does not exist.

    The template that `data.tokenizer` names is written into the tokenizer's folder, if that has no template.

    Args:
        data: paths of tokenizer and stores, and settings.
        mixture: the mixture that `data.mixture` names.
        workers: number of processes that encode.

    Returns:
        The stores, in the order of the mixture's sources.

    Raises:
        InputError: a source is missing or empty (before any work begins); a store exists that was made with another
            tokenizer or from other inputs; more than `data.malformed_share` of a source is malformed or too long; chats
            have no template, or one that marks nothing as learned; another process prepares the same stores.
    """
    inventories = take_inventory(mixture)
    template = configured_template(data.tokenizer)
    stores = Path(data.stores)
    with _exclusive(stores):
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
        with _worker_processes(min(workers, units), data.tokenizer.path) as pool:
            prepared = [
                store or build(inventory, stores / inventory.name, tokenizer, pool, data.malformed_share)
                for inventory, store in zip(inventories, existing, strict=True)
            ]
    return [PreparedStore(store, is_new=old is None) for store, old in zip(prepared, existing, strict=True)]


def _tokenizer(data: Data, mixture: Mixture, inventories: Sequence[Inventory]) -> Tokenizer:
    config = data.tokenizer
    path = Path(config.path)
    recipe = recipe_of(config, mixture, inventories)
    if not path.exists() and path.suffix not in (".model", ".json"):
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
        known = dict.fromkeys((*store.settings, *inventory.settings))
        reason = ", ".join(f"{name} = {store.settings.get(name)!r}" for name in known)
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
def _exclusive(stores: Path) -> Iterator[None]:
    """Lock the folder against other processes; at the end, delete the partial files of killed workers.

    InputError if another process has locked it.
    """
    stores.mkdir(parents=True, exist_ok=True)
    with open(stores / LOCK, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another process prepares the stores in {stores}; wait until it is done") from None
        try:
            yield
        finally:
            for draft in stores.glob(".*.parts-*/.*"):
                draft.unlink()
