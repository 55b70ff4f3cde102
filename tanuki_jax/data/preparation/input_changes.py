"""Changes of a source's files since a store was made of them, found by size, time and content."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence

from tanuki_jax.data.store import Input

ALWAYS_READ_BYTES = 64 << 20
"""Size up to which a file is read to be compared even if its time did not change."""


def difference(before: Sequence[Input], now: Sequence[Input]) -> str:
    """Describe the first difference between the inputs of a store and those of its source; empty: there is none."""
    then, present = ({entry.path: entry for entry in inputs} for inputs in (before, now))
    for path, entry in then.items():
        if path not in present:
            return f"{path}, which the source no longer has"
        if present[path].bytes != entry.bytes:
            return f"{path} when it had {entry.bytes:,} bytes, not {present[path].bytes:,}"
        if _changed(entry, present[path]):
            return f"{path} when it had other content"
    more = next((path for path in present if path not in then), "")
    return f"{len(before)} files, and the source now has {more} too" if more else ""


def _changed(before: Input, now: Input) -> bool:
    """Whether the content of a file of the same size changed. A large one is read only if it was written since."""
    if not before.digest or (before.modified == now.modified and before.bytes > ALWAYS_READ_BYTES):
        return False
    return _digest(now.path) != before.digest


def with_digests(inputs: Sequence[Input]) -> tuple[Input, ...]:
    """Return inputs with the hashes of their contents, of files on this machine."""
    return tuple(
        dataclasses.replace(entry, digest=_digest(entry.path)) if os.path.isfile(entry.path) else entry
        for entry in inputs
    )


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
