"""Checkpoints that are saved while training goes on."""

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
from tanuki_jax.checkpoints.barrier import SaveBarrier, SaveFailed
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
_DISK_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
_CHECK_SECONDS, _QUIET_CHECKS, _MAX_CHECKS = 0.05, 10, 100
"""A failed save is over when none of its files has come back for half a second; after five the next save cleans up."""


def save_arguments(tree: Any, model: Model) -> Any:
    """Return Orbax's arguments for a tree of arrays: a chunk for each layer of a stacked parameter or each expert."""

    def arguments(path: tuple[Any, ...], leaf: Any) -> ocp.SaveArgs:
        return ocp.SaveArgs(shard_axes=tuple(range(lead_dims(model, path))))

    return ocp.args.PyTreeSave(tree, save_args=jax.tree_util.tree_map_with_path(arguments, tree))


class Writer:
    """Asynchronous writer of the checkpoints of one run, one at a time, which also removes outdated ones.

    A save fails in all processes if it fails in one of them, or if the arrays that are read back from the disk are not
    those on the devices. Each failure is reported at once: a warning, and an event `save_failed` with the checkpoint,
    the reason and the number of failures in a row.
    """

    def __init__(
        self,
        checkpoints: Path,
        settings: Checkpoints,
        log_event: Callable[..., None],
        *,
        tokenizer: Path | None = None,
        best_metric: str = "",
        protect: Protect = lambda state, finished: (),
    ) -> None:
        """Remove the remains of unfinished saves, each with an event `removed_unfinished`.

        Args:
            checkpoints: folder of the run's checkpoints.
            settings: how many failures in a row are tolerated, and which checkpoints stay.
            log_event: called with the kind of an event and details by name, from any thread.
            tokenizer: read now, once, and copied into every checkpoint; None: the state is saved as it is.
            best_metric: name in `State.held_out` of the metric that is lowest in the best checkpoint.
            protect: names checkpoints that stay whatever the settings say; called in the background after every save.
        """
        self._best_metric, self._protect = best_metric, protect
        self._checkpoints, self._settings, self._log_event = checkpoints.resolve(), settings, log_event
        self._checkpoints.mkdir(parents=True, exist_ok=True)
        self._barrier = SaveBarrier()
        options = ocp.options.AsyncOptions(barrier_sync_fn=lambda *, key, timeout_ms: self._barrier.wait())
        self._orbax = ocp.AsyncCheckpointer(checkpoint_handler(), async_options=options)
        # Orbax logs every failure of a save at length; it is reported here anyway
        logging.getLogger("absl").setLevel(logging.CRITICAL)
        self._finishing: threading.Thread | None = None
        self._failure: SaveFailed | None = None
        self._failures = 0
        self._tokenizer: TokenizerCopy | None = None
        if jax.process_index() == 0:
            self._tokenizer = TokenizerCopy.read(tokenizer) if tokenizer else None
            for folder in unfinished(self._checkpoints):
                remove(folder)
                log_event("removed_unfinished", checkpoint=str(folder))

    def save(self, items: Mapping[str, Any], state: State, *, wait: bool = False) -> None:
        """Copy the arrays to the host, then return; they are written, verified and committed in the background.

        Waits for the save before it. All processes must call it.

        Args:
            items: by name, those of `items.ITEMS` that the checkpoint has: trees of arrays of at most 32 bits.
            state: of the checkpoint; `sums`, `files` and the tokenizer are filled in here.
            wait: block until the checkpoint is committed, with as many tries as `retries` allows.

        Raises:
            InputError: the disk is too full for this checkpoint, or was for the one before it.
            RuntimeError: more saves in a row failed than `retries`.
        """
        self.wait()
        while True:
            self._begin(items, state)
            in_background = self._finishing is not None and not wait
            if in_background or self._succeeded() or not wait:
                return

    def wait(self) -> None:
        """Block until the last save has ended, with success or not. Raises as `save`."""
        self._succeeded()

    def _succeeded(self) -> bool:
        """Wait for the save that is under way; return whether it succeeded, or raise if it failed once too often."""
        if self._finishing is not None:
            self._finishing.join()
            self._finishing = None
        failure, self._failure = self._failure, None
        if failure is None:
            return True
        if any(words in str(failure) for words in _DISK_FULL):
            raise InputError(f"the disk is full: {failure}; the checkpoints before it are complete") from failure
        if self._failures > self._settings.retries:
            times = f"{self._failures} saves failed in a row" if self._failures > 1 else "1 save failed"
            raise RuntimeError(f"{times} (checkpoints.retries is {self._settings.retries}); {failure}") from failure
        return False

    def _begin(self, items: Mapping[str, Any], state: State) -> None:
        self._barrier = SaveBarrier()
        checkpoint = step_folder(self._checkpoints, state.step)
        sums: dict[str, jax.Array] = {}
        error: Exception | None = None
        try:
            with self._barrier.section():
                if jax.process_index() == 0:
                    self._make_room(checkpoint, sum(leaf.nbytes for leaf in jax.tree.leaves(items)))
            sums = summed(items)
            self._orbax.save(
                checkpoint,
                args=ocp.args.Composite(**{name: save_arguments(tree, state.model) for name, tree in items.items()}),
            )
        except SaveFailed as failure:
            self._fail(checkpoint, failure)
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
                f"{os.strerror(errno.ENOSPC)}: up to {needed / 2**30:.2f} GiB are needed, "
                f"{free / 2**30:.2f} GiB are free",
            )

    def _finish(
        self, checkpoint: Path, state: State, shapes: Any, sums: Mapping[str, jax.Array], error: Exception | None
    ) -> None:
        """Wait for the files, verify and commit them, and remove outdated checkpoints; runs in a thread of its own."""
        try:
            # An error from `_begin` is raised here, inside the section, so that this process reports it at the wait at
            # which the other processes arrive next, be it one of Orbax's, which use the same barrier.
            with self._barrier.section():
                if error is not None:
                    raise error
                self._orbax.wait_until_finished()
                # All processes have written their parts, and Orbax has given the folder its final name, but without a
                # state.json it does not count yet. One process reads everything back, and commits it only if the
                # disk holds what the devices held; the others wait at the end of the section for its verdict.
                if jax.process_index() == 0:
                    if self._tokenizer:
                        state = self._tokenizer.write(checkpoint, state)
                    host_sums = {name: int(value) for name, value in jax.device_get(sums).items()}
                    _commit(checkpoint, state, shapes, host_sums)
        except SaveFailed as failure:
            if jax.process_index() == 0:
                self._clear()
            self._fail(checkpoint, failure)
            return
        self._failures = 0
        if jax.process_index() == 0:
            self._retire(state)

    def _fail(self, checkpoint: Path, failure: SaveFailed) -> None:
        self._failure = SaveFailed(f"the checkpoint {checkpoint} was not saved: {failure}")
        self._failure.__cause__ = failure
        self._failures += 1
        if jax.process_index() > 0:
            return
        _log.warning(
            "%s (failure %d in a row; checkpoints.retries is %d)", self._failure, self._failures, self._settings.retries
        )
        with contextlib.suppress(OSError):  # a full disk
            self._log_event("save_failed", checkpoint=str(checkpoint), reason=str(failure), failures=self._failures)

    def _clear(self) -> None:
        """Remove what a failed save has left, again while writes that Orbax does not wait for bring files back."""
        quiet = 0
        for _ in range(_MAX_CHECKS):
            folders = unfinished(self._checkpoints)
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)  # the next save removes what stays
            quiet = 0 if folders else quiet + 1
            if quiet == _QUIET_CHECKS:
                return
            time.sleep(_CHECK_SECONDS)

    def _retire(self, state: State) -> None:
        try:
            protected = self._protect(state, steps(self._checkpoints))
            for step in outdated(self._checkpoints, self._settings, best_metric=self._best_metric, protected=protected):
                remove(step_folder(self._checkpoints, step))
        except OSError as error:
            _log.warning("an old checkpoint could not be removed: %s", error)


def _commit(checkpoint: Path, state: State, shapes: Mapping[str, Any], sums: Mapping[str, int]) -> None:
    """Commit a checkpoint. OSError if the sums of the arrays on the disk differ from those of the arrays saved."""
    sync(checkpoint)
    for item, tree in shapes.items():
        for name, value in sums_on_disk(checkpoint, item, tree, state.model).items():
            if value != sums[f"{item}.{name}"]:
                raise OSError(errno.EIO, f"{item}.{name} on the disk is not what is on the devices")
    commit(checkpoint, dataclasses.replace(state, sums=sums))
