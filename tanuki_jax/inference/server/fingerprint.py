"""Fingerprints of served models: a client that keeps answers sees by it that they are those of another model."""

import hashlib
from pathlib import Path

from tanuki_jax.checkpoints.format import STATE

_HASHED_SUFFIXES = (".json", ".model", ".jinja", ".txt")
"""Suffixes of the small files of a folder of Hugging Face, whose content is hashed; of others, size and time are."""


def fingerprint(checkpoint: Path, adapter: str) -> str:
    """Return 32 hexadecimal digits that differ for other weights, another tokenizer or another adapter (BLAKE2b).

    A native checkpoint states a checksum of each of its files, which decide. A folder of Hugging Face states none: its
    small files decide, and name, size and time of the large ones.

    Args:
        checkpoint: native checkpoint, or folder of Hugging Face.
        adapter: name of the adapter; empty: none, or the only one.
    """
    digest = hashlib.blake2b(adapter.encode(), digest_size=16)
    state = checkpoint / STATE
    if state.is_file():
        digest.update(state.read_bytes())
        return digest.hexdigest()
    for path in sorted(path for path in checkpoint.iterdir() if path.is_file()):
        about = path.stat()
        content = path.read_bytes() if path.suffix in _HASHED_SUFFIXES else f"{about.st_mtime_ns}".encode()
        digest.update(f"\n{path.name} {about.st_size} ".encode() + content)
    return digest.hexdigest()
