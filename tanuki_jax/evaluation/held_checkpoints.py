"""Checkpoints of a run in progress, held by hard links, so that the trainer may delete its own meanwhile."""

import contextlib
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from tanuki_jax.base.atomic import FolderDraft
from tanuki_jax.base.claims import Claim
from tanuki_jax.base.errors import InputError

STATE = "state.json"
"""File that a checkpoint has once it is finished."""
LOCK = "trainer.lock"
"""File of a run that its trainer holds."""
_log = logging.getLogger(__name__)


class HeldCheckpoints:
    """The finished checkpoints of a run, each linked into another folder as soon as it is seen."""

    def __init__(self, run: Path, folder: Path) -> None:
        """Hold nothing yet.

        Args:
            run: folder of the run.
            folder: folder for the links, in the same file system; files of one without links are copied.
        """
        self._run, self._folder = run, folder
        self._seen: set[int] = set()
        self._looking = threading.Lock()
        self.deleted: list[int] = []
        """Steps whose checkpoints were deleted before they could be held."""

    def look(self, done: set[int]) -> list[int]:
        """Hold the checkpoints that are new, and return the steps of those that are held, ascending.

        Several threads may look at once.

        Args:
            done: steps that are not wanted; if one is held, as by a process that was killed, it is released.

        Raises:
            InputError: a checkpoint that is there cannot be held, as on a full disk.
        """
        with self._looking:
            for path in sorted((self._run / "checkpoints").glob(f"*/{STATE}")):
                name = path.parent.name
                if name.isdecimal() and int(name) not in done | self._seen:
                    self._hold(path.parent, int(name))
                    self._seen.add(int(name))
            held = sorted(int(path.name) for path in self._folder.glob("*") if path.name.isdecimal())
            for step in done.intersection(held):
                self.release(step)
            return [step for step in held if step not in done]

    def path(self, step: int) -> Path:
        """Return the folder of a checkpoint that is held."""
        return self._folder / f"{step:08d}"

    def release(self, step: int) -> None:
        """Delete the links of a checkpoint."""
        shutil.rmtree(self.path(step), ignore_errors=True)

    def _hold(self, checkpoint: Path, step: int) -> None:
        if self.path(step).exists():
            return
        draft = FolderDraft(self.path(step))
        try:
            shutil.copytree(
                checkpoint,
                draft.path,
                dirs_exist_ok=True,
                copy_function=_link_or_copy,
                ignore=lambda folder, names: [STATE] * (folder == str(checkpoint)),
            )
            # The trainer deletes this file first: as long as it is there, no other is missing.
            _link_or_copy(str(checkpoint / STATE), str(draft.path / STATE))
            draft.commit()
        except OSError as error:
            if (checkpoint / STATE).is_file():
                raise InputError(f"the checkpoint {checkpoint} cannot be held in {self._folder}: {error}") from error
            self.deleted.append(step)
            _log.warning("the checkpoint of step %d was deleted before it could be held: it has no scores", step)
        finally:
            draft.discard()


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def is_trained(run: Path) -> bool:
    """Whether a trainer works in the folder of a run."""
    if not (run / LOCK).exists():
        return False
    claim = Claim.attempt(run / LOCK)
    if claim is not None:
        claim.release()
    return claim is None


@contextlib.contextmanager
def watching(held: HeldCheckpoints, done: set[int], seconds: float) -> Iterator[None]:
    """Look for new checkpoints every so many seconds while the block runs."""
    ended = threading.Event()

    def watch() -> None:
        with contextlib.suppress(InputError):  # the next look of the block raises it too
            while not ended.wait(seconds):
                held.look(done)

    thread = threading.Thread(target=watch, name="checkpoints", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
