"""Checkpoints written while training goes on."""

import logging
import shutil
import threading
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from tanuki_jax.checkpoints.chunks import stacked_dims
from tanuki_jax.checkpoints.folder import STATE, State, finish, step_folder, steps
from tanuki_jax.errors import InputError

ITEMS = ("base", "optimizer")


def checkpoint_handler() -> ocp.CompositeCheckpointHandler:
    """Orbax's handler for the array items of a checkpoint."""
    return ocp.CompositeCheckpointHandler(**{item: ocp.PyTreeCheckpointHandler(use_zarr3=True) for item in ITEMS})


def save_arguments(tree: Any) -> Any:
    """Orbax's arguments for a tree of arrays: one layer of a stacked parameter, or one of its experts, a chunk."""

    def arguments(path: tuple[Any, ...], leaf: Any) -> ocp.SaveArgs:
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        return ocp.SaveArgs(shard_axes=tuple(range(stacked_dims(name))))

    return ocp.args.PyTreeSave(tree, save_args=jax.tree_util.tree_map_with_path(arguments, tree))


class Writer:
    """Saves checkpoints of one run asynchronously, one at a time, and keeps the newest few."""

    def __init__(self, checkpoints: Path, keep: int) -> None:
        self._checkpoints = checkpoints.resolve()
        self._checkpoints.mkdir(parents=True, exist_ok=True)
        self._keep = keep
        self._orbax = ocp.AsyncCheckpointer(checkpoint_handler())
        logging.getLogger("absl").setLevel(logging.CRITICAL)  # Orbax logs every failure of a save at length; it is raised here anyway
        self._finishing: threading.Thread | None = None
        self._failure: Exception | None = None
        if jax.process_index() == 0:
            self._remove_unfinished()

    def save(self, parameters: Any, optimizer: Any, state: State) -> None:
        """Copies the arrays to the host, then returns; they are written, checksummed and committed in the background.

        Waits for the save before it, and raises what that failed with. InputError if the disk has no room for this one, or had none
        for the one before it.
        """
        self.wait()
        checkpoint = step_folder(self._checkpoints, state.step)
        needed = sum(leaf.nbytes for leaf in jax.tree.leaves((parameters, optimizer)))
        free = shutil.disk_usage(self._checkpoints).free
        if free < needed:
            raise InputError(
                f"the disk is full: the checkpoint {checkpoint} takes up to {needed / 2**30:.2f} GiB and {free / 2**30:.2f} GiB are free; "
                "the ones before it are whole"
            )
        if jax.process_index() == 0 and checkpoint.exists():
            shutil.rmtree(checkpoint)
        try:
            self._orbax.save(checkpoint, args=ocp.args.Composite(base=save_arguments(parameters), optimizer=save_arguments(optimizer)))
        except Exception as error:
            raise self._explained(error, checkpoint) from error
        self._finishing = threading.Thread(target=self._finish, args=(checkpoint, state), name="checkpoint")
        self._finishing.start()

    def wait(self) -> None:
        """Returns when the last save is committed; raises what it failed with."""
        if self._finishing is not None:
            self._finishing.join()
            self._finishing = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _finish(self, checkpoint: Path, state: State) -> None:
        try:
            self._orbax.wait_until_finished()
            if jax.process_index() == 0:
                finish(checkpoint, state)
                for step in steps(self._checkpoints)[: -self._keep]:
                    shutil.rmtree(step_folder(self._checkpoints, step))
        except Exception as error:
            self._failure = self._explained(error, checkpoint)

    def _remove_unfinished(self) -> None:
        """What a run that was killed, or had no disk left, wrote of checkpoints that do not count."""
        for folder in self._checkpoints.glob("*"):
            if folder.name[:8].isdigit() and not (folder / STATE).is_file():
                shutil.rmtree(folder)

    def _explained(self, error: Exception, checkpoint: Path) -> Exception:
        if "No space left" not in str(error) and "RESOURCE_EXHAUSTED" not in str(error):
            return error
        return InputError(f"the disk is full: the checkpoint {checkpoint} could not be written; the ones before it are whole")
