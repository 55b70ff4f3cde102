"""Tokenizer and chat template inside a checkpoint, so that generating and exporting need nothing else."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State
from tanuki_jax.data.tokenizer.copy_tokenizer import copy_tokenizer, fingerprint

TOKENIZER = "tokenizer"
"""Folder of the copy in a checkpoint."""


@dataclasses.dataclass(frozen=True)
class TokenizerCopy:
    """Content of a tokenizer's files, in memory: a run saves it for days, while its source may change or disappear."""

    files: Mapping[str, bytes]
    """File name -> content, the chat template among them."""
    fingerprint: str

    @classmethod
    def read(cls, source: Path) -> Self:
        """Return a copy of the tokenizer at `source`, a folder or a file. InputError if there is none."""
        fingerprint_of_source = fingerprint(source)  # of the source, so that its errors name that
        with TemporaryDirectory() as folder:
            copy_tokenizer(source, Path(folder))
            files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
        return cls(files, fingerprint_of_source)

    def write(self, checkpoint: Path, state: State) -> State:
        """Write the files into a checkpoint that is not yet committed; return its state with the names of the copy."""
        folder = checkpoint / TOKENIZER
        folder.mkdir()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return dataclasses.replace(state, tokenizer=TOKENIZER, tokenizer_fingerprint=self.fingerprint)


def tokenizer_path(checkpoint: Path, state: State) -> Path:
    """Return the path of a checkpoint's tokenizer: the copy inside, or in old checkpoints the path that training read
    it from.

    InputError if there is neither, or if the tokenizer at that path is not the one of the checkpoint.
    """
    if not state.tokenizer:
        raise InputError(f"the checkpoint {checkpoint} has no tokenizer; it was converted from a folder without one")
    inside, outside = checkpoint / state.tokenizer, Path(state.tokenizer)
    if inside.exists() and not outside.is_absolute():
        return inside
    if not outside.exists():
        raise InputError(
            f"the tokenizer of {checkpoint} is not at {outside}; run this in the folder where training ran"
        )
    if state.tokenizer_fingerprint and fingerprint(outside) != state.tokenizer_fingerprint:
        raise InputError(
            f"the tokenizer at {outside} is not the one of {checkpoint}: it has changed since the checkpoint was saved"
        )
    return outside


def carry_tokenizer(checkpoint: Path, state: State, draft: Path, converted: State) -> State:
    """Copy the tokenizer of a checkpoint, if it has one, into another one that is made from it and not yet committed,
    with the ids of special tokens.

    Args:
        checkpoint: folder of a finished checkpoint.
        state: its state.
        draft: folder of the checkpoint that is being written.
        converted: its state.

    Returns:
        `converted` with the names of the copy and the ids.

    Raises:
        InputError: as `tokenizer_path`.
    """
    converted = dataclasses.replace(converted, ids=state.ids)
    if not state.tokenizer:
        return dataclasses.replace(converted, tokenizer="", tokenizer_fingerprint="")
    return TokenizerCopy.read(tokenizer_path(checkpoint, state)).write(draft, converted)
