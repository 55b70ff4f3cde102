"""Files and folders that appear under their names only once they are complete."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from tanuki_jax.base.errors import InputError


@contextlib.contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; its file replaces `path` if the block ends without an error.

    After the block the file is on the disk, under its name; without `sync` it may be lost if the machine fails.
    """
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")  # processes of several hosts may write it
    try:
        yield partial
        if sync:
            with partial.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(partial, path)
        if sync:
            sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def replace_text(path: Path, text: str, *, sync: bool = True) -> None:
    """Write a text so that a reader sees either the old file or all of the new one.

    Args:
        path: file.
        text: its new content.
        sync: block until it is on the disk.
    """
    with replacing(path, sync=sync) as partial:
        partial.write_text(text, encoding="utf-8")


class FolderDraft:
    """A hidden folder beside `out` that becomes `out` when it is committed."""

    def __init__(self, out: Path, *, concurrent: bool = False, within: Path | None = None) -> None:
        """Create an empty draft.

        Args:
            out: folder to make. A draft of it that a killed process left is deleted.
            concurrent: several processes may make the same folder at once. Each has a draft of its own, the first
                commit counts, and the others are discarded. An empty folder at `out` is replaced.
            within: folder of the draft, in the file system of `out`; None: that of `out`.

        Raises:
            InputError: `out` exists and `concurrent` is false, or it cannot be made.
        """
        self._out, self._concurrent = out, concurrent
        if not concurrent and out.exists():
            raise InputError(f"{out} exists already; remove it or name another folder")
        suffix = uuid.uuid4().hex if concurrent else "draft"
        self.path = (within or out.parent).absolute() / f".{out.name}.{suffix}"
        self.discard()
        try:
            self.path.mkdir(parents=True)
        except OSError as error:
            raise InputError(f"the folder {out} cannot be made: {(error.strerror or str(error)).lower()}") from error

    def commit(self) -> None:
        """Move the draft to `out`."""
        try:
            self.path.rename(self._out)
        except OSError:
            if not (self._concurrent and self._out.is_dir()):
                raise

    def discard(self) -> None:
        """Delete the draft, unless it was committed."""
        shutil.rmtree(self.path, ignore_errors=True)


@contextlib.contextmanager
def new_folder(out: Path, *, concurrent: bool = False) -> Iterator[Path]:
    """Yield an empty folder that becomes `out` if the block ends without an error, and is deleted otherwise.

    Arguments and errors are those of `FolderDraft`.
    """
    draft = FolderDraft(out, concurrent=concurrent)
    try:
        yield draft.path
        draft.commit()
    finally:
        draft.discard()


def sync_folder(folder: Path) -> None:
    """Block until the names in a folder are on the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
