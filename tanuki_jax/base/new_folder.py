"""A folder that appears whole or not at all."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from tanuki_jax.base.errors import InputError


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """An empty folder that is moved to `out` at the end of the `with` block; an error leaves nothing of it.

    InputError if something is at `out` already.
    """
    if out.exists():
        raise InputError(f"{out} exists already; remove it or name another folder")
    draft = out.absolute().with_name(f".{out.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        yield draft
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
