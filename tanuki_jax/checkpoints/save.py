"""Checkpoints written while training goes on."""

import contextlib
import dataclasses
import errno
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.barrier import Failed, Meetings
from tanuki_jax.checkpoints.format import State, commit, remove, step_folder, steps, sync, unfinished
from tanuki_jax.checkpoints.items import checkpoint_handler
from tanuki_jax.checkpoints.retention import Protect, outdated
from tanuki_jax.checkpoints.sums import summed
from tanuki_jax.checkpoints.tokenizer_copy import TokenizerCopy
from tanuki_jax.checkpoints.verify import sums_on_disk
from tanuki_jax.config.experiment import Checkpoints
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.weights import lead_dims

_log = logging.getLogger("tanuki_jax.checkpoints")
_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
_LOOK_SECONDS, _QUIET_LOOKS, _MOST_LOOKS = 0.05, 10, 100
"""A failed save is gone when nothing of it has come back for half a second; after five it is left to the next save."""


def save_arguments(tree: Any, model: Model) -> Any:
    """Return Orbax's arguments for a tree of arrays: each chunk is one layer of a stacked parameter, or one expert of it."""

    def arguments(path: tuple[Any, ...], leaf: Any) -> ocp.SaveArgs:
        return ocp.SaveArgs(shard_axes=tuple(range(lead_dims(model, path))))

    return ocp.args.PyTreeSave(tree, save_args=jax.tree_util.tree_map_with_path(arguments, tree))


class Writer:
    """Saves checkpoints of one run asynchronously, one at a time, and keeps those that its settings say.

    A save has failed, in all processes, when it failed in one of them, or when the arrays that are read back from the disk are not those
    on the devices. That is said at once: a warning, and an event `save_failed` with its folder, reason and number in a row.
    """

    def __init__(
        self,
        checkpoints: Path,
        settings: Checkpoints,
        tell: Callable[..., None],
        *,
        tokenizer: Path | None = None,
        best_metric: str = "",
        protect: Protect = lambda state, finished: (),
    ) -> None:
        """Removes what saves that were cut off have left, each with an event `removed_unfinished`.

        Args:
            checkpoints: folder of the run's checkpoints.
            settings: how many failures in a row are borne, and which checkpoints stay.
            tell: takes the kind of an event and details by name, from any thread.
            tokenizer: the tokenizer that every checkpoint holds a copy of; None: the state is saved as it is. Read now, and not again.
            best_metric: name in `State.held_out` of the metric that is lowest in the best checkpoint.
            protect: says which checkpoints stay beside those that the settings keep; called in the background after every save.
        """
        self._best_metric, self._protect = best_metric, protect
        self._checkpoints, self._settings, self._tell = checkpoints.resolve(), settings, tell
        self._checkpoints.mkdir(parents=True, exist_ok=True)
        self._meetings = Meetings()
        meet = ocp.options.AsyncOptions(barrier_sync_fn=lambda *, key, timeout_ms: self._meetings.meet())
        self._orbax = ocp.AsyncCheckpointer(checkpoint_handler(), async_options=meet)
        logging.getLogger("absl").setLevel(
            logging.CRITICAL
        )  # Orbax logs every failure of a save at length; it is said here anyway
        self._finishing: threading.Thread | None = None
        self._failure: Failed | None = None
        self._failures = 0
        self._tokenizer: TokenizerCopy | None = None
        if jax.process_index() == 0:
            self._tokenizer = TokenizerCopy.read(tokenizer) if tokenizer else None
            for folder in unfinished(self._checkpoints):
                remove(folder)
                tell("removed_unfinished", checkpoint=str(folder))

    def save(self, items: Mapping[str, Any], state: State, *, wait: bool = False) -> None:
        """Copies the arrays to the host, then returns; they are written, verified and committed in the background.

        Waits for the save before it. All processes have to call it.

        Args:
            items: by name, those of `items.ITEMS` that the checkpoint has: trees of arrays of at most 32 bits.
            state: its `sums` and `files` are filled in here.
            wait: returns when the checkpoint is committed, after as many tries as are left.

        Raises:
            InputError: the disk has no room for this one, or had none for the one before it.
            RuntimeError: more saves in a row failed than `retries`.
        """
        self.wait()
        while True:
            self._begin(items, state)
            in_background = self._finishing is not None and not wait
            if in_background or self._ended_well() or not wait:
                return

    def wait(self) -> None:
        """Returns when the last save has ended, well or not. Raises what `save` does."""
        self._ended_well()

    def _ended_well(self) -> bool:
        if self._finishing is not None:
            self._finishing.join()
            self._finishing = None
        failure, self._failure = self._failure, None
        if failure is None:
            return True
        if any(words in str(failure) for words in _FULL):
            raise InputError(f"the disk is full: {failure}; the ones before it are whole") from failure
        if self._failures > self._settings.retries:
            times = f"{self._failures} saves failed in a row" if self._failures > 1 else "1 save failed"
            raise RuntimeError(f"{times} (checkpoints.retries is {self._settings.retries}); {failure}") from failure
        return False

    def _begin(self, items: Mapping[str, Any], state: State) -> None:
        self._meetings = Meetings()
        checkpoint = step_folder(self._checkpoints, state.step)
        sums: dict[str, jax.Array] = {}
        error: Exception | None = None
        try:
            with self._meetings.together():
                if jax.process_index() == 0:
                    self._make_room(checkpoint, sum(leaf.nbytes for leaf in jax.tree.leaves(items)))
            sums = summed(items)
            self._orbax.save(
                checkpoint,
                args=ocp.args.Composite(**{name: save_arguments(tree, state.model) for name, tree in items.items()}),
            )
        except Failed as failure:
            self._failed(checkpoint, failure)
            return
        except Exception as raised:
            error = raised
        shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), items)
        arguments = checkpoint, state, shapes, sums, error
        self._finishing = threading.Thread(target=self._finish, args=arguments, name="checkpoint")
        self._finishing.start()

    def _make_room(self, checkpoint: Path, needed: int) -> None:
        for folder in [*unfinished(self._checkpoints), *([checkpoint] if checkpoint.exists() else [])]:
            remove(folder)
        free = shutil.disk_usage(self._checkpoints).free
        if free < needed:
            raise OSError(
                errno.ENOSPC,
                f"{os.strerror(errno.ENOSPC)}, up to {needed / 2**30:.2f} GiB are needed and {free / 2**30:.2f} are free",
            )

    def _finish(
        self, checkpoint: Path, state: State, shapes: Any, sums: Mapping[str, jax.Array], error: Exception | None
    ) -> None:
        try:
            with self._meetings.together():
                if error is not None:
                    raise error
                self._orbax.wait_until_finished()
                if jax.process_index() == 0:
                    if self._tokenizer:
                        state = self._tokenizer.write(checkpoint, state)
                    _commit(
                        checkpoint, state, shapes, {name: int(found) for name, found in jax.device_get(sums).items()}
                    )
        except Failed as failure:
            if jax.process_index() == 0:
                self._clear()
            self._failed(checkpoint, failure)
            return
        self._failures = 0
        if jax.process_index() == 0:
            self._retire(state)

    def _failed(self, checkpoint: Path, failure: Failed) -> None:
        self._failure = Failed(f"the checkpoint {checkpoint} was not saved: {failure}")
        self._failure.__cause__ = failure
        self._failures += 1
        if jax.process_index() > 0:
            return
        _log.warning(
            "%s (failure %d in a row; checkpoints.retries is %d)", self._failure, self._failures, self._settings.retries
        )
        with contextlib.suppress(OSError):  # a full disk
            self._tell("save_failed", checkpoint=str(checkpoint), reason=str(failure), failures=self._failures)

    def _clear(self) -> None:
        """Removes what a failed save has left, again while writes that were on their way, for which Orbax does not wait, bring it back."""
        quiet = 0
        for _ in range(_MOST_LOOKS):
            found = unfinished(self._checkpoints)
            for folder in found:
                shutil.rmtree(folder, ignore_errors=True)  # what cannot be removed now is before the next save
            quiet = 0 if found else quiet + 1
            if quiet == _QUIET_LOOKS:
                return
            time.sleep(_LOOK_SECONDS)

    def _retire(self, state: State) -> None:
        try:
            protected = self._protect(state, steps(self._checkpoints))
            for step in outdated(self._checkpoints, self._settings, best_metric=self._best_metric, protected=protected):
                remove(step_folder(self._checkpoints, step))
        except OSError as error:
            _log.warning("an old checkpoint could not be removed: %s", error)


def _commit(checkpoint: Path, state: State, shapes: Mapping[str, Any], sums: Mapping[str, int]) -> None:
    sync(checkpoint)
    for item, tree in shapes.items():
        for name, found in sums_on_disk(checkpoint, item, tree, state.model).items():
            if found != sums[f"{item}.{name}"]:
                raise OSError(errno.EIO, f"{item}.{name} on the disk is not what is on the devices")
    commit(checkpoint, dataclasses.replace(state, sums=sums))
