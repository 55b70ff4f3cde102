"""A checkpoint as a model folder of Hugging Face's."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt

from tanuki_jax.checkpoints.folder import read_state
from tanuki_jax.checkpoints.origin import sequence_length, tokenizer_path
from tanuki_jax.checkpoints.restore import Parameters
from tanuki_jax.convert import shards, tokenizer_files
from tanuki_jax.convert.configuration import to_config
from tanuki_jax.convert.new_folder import new_folder
from tanuki_jax.convert.weights import Tensor, tensors, to_hugging_face
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.errors import InputError


@dataclasses.dataclass(frozen=True)
class Written:
    """What was written."""

    dtype: str
    files: int
    """Files of tensors."""
    positions: int
    """`max_position_embeddings`."""
    tokenizer: bool
    """Whether there was one."""


def write(
    checkpoint: Path, out: Path, dtype: str, positions: int, done: Callable[[int], None], shard_bytes: int = shards.SHARD_BYTES
) -> Written:
    """Writes the folder `out`, which transformers loads as a `LlamaForCausalLM` with its tokenizer.

    Args:
        checkpoint: folder of a finished checkpoint.
        out: a folder that does not exist yet; it appears when it is complete.
        dtype: `float32` or `bfloat16`; empty: as the parameters are stored.
        positions: tokens in the longest text that the model is made for; 0: those of the rows that its run trains on.
        done: told how many parameters have been written since the last time.
        shard_bytes: largest file.

    Raises:
        InputError: `out` exists, the tokenizer is gone, or `positions` is 0 and the checkpoint is not a run's.
    """
    state, parameters = read_state(checkpoint), Parameters(checkpoint)
    dtype = dtype or parameters.read("norm").dtype.name
    positions = positions or sequence_length(checkpoint) or 0
    if not positions:
        raise InputError(
            f"{checkpoint} lies in no run's folder, so that nothing tells for what lengths it was trained; give --max-positions"
        )
    tokenizer = tokenizer_path(checkpoint, state) if state.tokenizer else None

    def read(tensor: Tensor) -> npt.NDArray[Any]:
        name, layer = tensor.parameter, tensor.layer
        values = parameters.read(name) if layer is None else parameters.read_layer(name, layer)
        done(values.size)
        return to_hugging_face(name, values)

    with new_folder(out) as draft:
        bos = eos = None
        if tokenizer is not None:
            tokenizer_files.write(tokenizer, draft)
            loaded = load(tokenizer)
            bos, eos = loaded.bos, loaded.eod
        _write_json(draft / "config.json", to_config(state.model, dtype, positions, bos, eos))
        _write_json(draft / "generation_config.json", {"bos_token_id": bos, "eos_token_id": eos})
        files = shards.write(draft, tensors(state.model), dtype, read, shard_bytes)
    return Written(dtype, files, positions, tokenizer is not None)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
