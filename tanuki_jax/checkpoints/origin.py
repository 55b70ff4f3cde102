"""What the surroundings of a checkpoint tell about it: where its tokenizer lies, how long the rows were that it was trained on."""

import json
from pathlib import Path

from tanuki_jax.checkpoints.folder import State
from tanuki_jax.errors import InputError


def tokenizer_path(checkpoint: Path, state: State) -> Path:
    """Where the tokenizer that `state` names lies: in the checkpoint itself, or from the working directory. InputError if nowhere."""
    if not state.tokenizer:
        raise InputError(f"the checkpoint {checkpoint} has no tokenizer; it was converted from a folder without one")
    inside, outside = checkpoint / state.tokenizer, Path(state.tokenizer)
    if not inside.exists() and not outside.exists():
        raise InputError(f"the tokenizer of {checkpoint} is not at {outside}; run this where the training ran")
    return inside if inside.exists() else outside


def sequence_length(checkpoint: Path) -> int | None:
    """Tokens in the rows that the run of this checkpoint trains on; None if the checkpoint does not lie in a run's folder."""
    checkpoints = checkpoint.resolve().parent
    config = checkpoints.parent / "config.json"
    if checkpoints.name != "checkpoints" or not config.is_file():
        return None
    length: int = json.loads(config.read_text(encoding="utf-8"))["data"]["sequence_length"]
    return length
