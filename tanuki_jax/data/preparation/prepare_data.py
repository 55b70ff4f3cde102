"""From an experiment's data section to its tokenizer and the token store of every source, as far as they do not exist yet."""

import dataclasses
import fcntl
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
from tanuki_jax.corpus.chat import template_files as template_folder
from tanuki_jax.data.preparation.build_store import build
from tanuki_jax.data.preparation.encode_unit import start_worker
from tanuki_jax.data.preparation.inventory import Inventory, take_inventory
from tanuki_jax.data.preparation.templates import rendered, template_of_config
from tanuki_jax.data.preparation.tokenizer_sample import sample
from tanuki_jax.data.store import Input, Store
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.data.tokenizer.training import train

LOCK = ".lock"


@dataclasses.dataclass(frozen=True)
class Prepared:
    """The store of a source."""

    store: Store
    is_new: bool
    """Whether this run made it."""


def prepare(data: Data, mixture: Mixture, workers: int) -> list[Prepared]:
    """Trains the tokenizer at `data.tokenizer.path` if there is none, then makes every store that is not there.

    Puts the template that `data.tokenizer` names beside the tokenizer, if none is there.

    Args:
        data: says where tokenizer and stores are.
        mixture: what `data.mixture` names.
        workers: processes that encode.

    Returns:
        The stores, in the order in which the mixture names their sources.

    Raises:
        InputError: before anything starts if a source is missing or empty; if a store is there that has another tokenizer or other
            inputs; if more than `data.malformed_share` of a source is malformed or too long; if chats have no template, or one that
            says nothing of what is learned; if another process prepares the same stores.
    """
    inventories = take_inventory(mixture)
    template = template_of_config(data.tokenizer)
    stores = Path(data.stores)
    with _alone_in(stores):
        tokenizer = _tokenizer(data, mixture, inventories)
        inventories = rendered(inventories, data, tokenizer, template)
        if template is not None and template_folder.find(Path(data.tokenizer.path)) is None:
            template_folder.write(Path(data.tokenizer.path), template)
        there = [_existing(inventory, stores / inventory.name, tokenizer) for inventory in inventories]
        units = max(
            (len(inventory.units) for inventory, store in zip(inventories, there, strict=True) if store is None),
            default=1,
        )
        with _worker_processes(min(workers, units), data.tokenizer.path) as pool:
            made = [
                store or build(inventory, stores / inventory.name, tokenizer, pool, data.malformed_share)
                for inventory, store in zip(inventories, there, strict=True)
            ]
    return [Prepared(store, is_new=old is None) for store, old in zip(made, there, strict=True)]


def _tokenizer(data: Data, mixture: Mixture, inventories: Sequence[Inventory]) -> Tokenizer:
    config = data.tokenizer
    path = Path(config.path)
    if not path.exists() and path.suffix not in (".model", ".json"):
        print(f"training a tokenizer of {config.pieces:,} pieces in {path}", file=sys.stderr, flush=True)
        train(sample(mixture, inventories, config.sample_bytes), config, path)
    return load(path)


def _existing(inventory: Inventory, folder: Path, tokenizer: Tokenizer) -> Store | None:
    """The store in `folder`, if there is one. InputError if it is not what this run would make."""
    if not folder.exists():
        return None
    store = Store.open(folder)
    reason = ""
    if store.tokenizer_fingerprint != tokenizer.fingerprint:
        reason = "another tokenizer"
    elif store.inputs != inventory.inputs:
        reason = _difference(store.inputs, inventory.inputs)
    elif store.settings != inventory.settings:
        reason = ", ".join(f"{name} = {value!r}" for name, value in store.settings.items())
    if reason:
        raise InputError(f"the token store {folder} was made with {reason}; delete {folder} to prepare it again")
    return store


def _difference(before: Sequence[Input], now: Sequence[Input]) -> str:
    sizes, new_sizes = ({entry.path: entry.bytes for entry in inputs} for inputs in (before, now))
    for path, size in sizes.items():
        if path not in new_sizes:
            return f"{path}, which the source no longer has"
        if new_sizes[path] != size:
            return f"{path} when it had {size:,} bytes, not {new_sizes[path]:,}"
    return f"{len(before)} files, and the source now has {next(path for path in new_sizes if path not in sizes)} too"


@contextmanager
def _worker_processes(count: int, tokenizer: str) -> Iterator[Executor]:
    """Processes that encode; an error or Ctrl-C in the block ends them at once."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=start_worker, initargs=(tokenizer,))
    try:
        yield pool
    except BrokenProcessPool:
        raise InputError(
            "a worker process was killed, most likely for lack of memory; with fewer --workers the run goes on where it stopped"
        ) from None
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _alone_in(stores: Path) -> Iterator[None]:
    """InputError if another process is in such a block for the folder. On leaving, what killed workers left half-written goes."""
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
