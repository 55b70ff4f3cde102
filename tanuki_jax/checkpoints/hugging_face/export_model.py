"""Export of a checkpoint as a model folder of Hugging Face."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.checkpoints.format import read_state
from tanuki_jax.checkpoints.hugging_face import shards, tokenizer_files
from tanuki_jax.checkpoints.hugging_face.configuration import special_ids, to_config
from tanuki_jax.checkpoints.hugging_face.families import family_of
from tanuki_jax.checkpoints.hugging_face.tensors import Tensor, tensors, to_hugging_face
from tanuki_jax.checkpoints.parameters import Weights
from tanuki_jax.checkpoints.token_ids import token_ids
from tanuki_jax.checkpoints.tokenizer_copy import tokenizer_path
from tanuki_jax.lm.model.weights import weights


@dataclasses.dataclass(frozen=True)
class Written:
    """Result of an export."""

    dtype: str
    files: int
    """Number of files with tensors."""
    positions: int
    """`max_position_embeddings`."""
    tokenizer: bool
    """Whether there is a tokenizer in the folder."""


def write(
    checkpoint: Path,
    out: Path,
    dtype: str,
    advance: Callable[[int], None],
    shard_bytes: int = shards.SHARD_BYTES,
    adapter: str = "",
) -> Written:
    """Write the folder `out`, which transformers loads, with its tokenizer, as a model of the family that has the
    model's features.

    A family with code of its own (standardized router logits) has it in the folder, for `trust_remote_code`.

    Args:
        checkpoint: folder of a finished checkpoint.
        out: a folder that does not exist yet; it appears when it is complete.
        dtype: `float32` or `bfloat16`; empty: as the parameters are stored.
        advance: called with the number of parameters written since the last call.
        shard_bytes: largest file.
        adapter: name of the adapter that is merged, of a checkpoint that has several; or `none`.

    Raises:
        InputError: `out` exists, no family has such models, the tokenizer or an adapter's base is gone, or there is no
            such adapter.
    """
    state, parameters = read_state(checkpoint), Weights(checkpoint, adapter)
    family, rows = family_of(state.model), weights(state.model)
    listed = tensors(family, state.model)
    dtype = dtype or parameters.read("norm").dtype.name
    tokenizer = tokenizer_path(checkpoint, state) if state.tokenizer else None

    def read(tensor: Tensor) -> npt.NDArray[Any]:
        values = parameters.read(tensor.parameter, *tensor.index)
        advance(values.size)
        return to_hugging_face(rows[tensor.parameter], values)

    with new_folder(out) as draft:
        if tokenizer is not None:
            tokenizer_files.write(tokenizer, draft)
        ids = special_ids(token_ids(state, tokenizer))
        if family.code is not None:
            shutil.copyfile(family.code, draft / family.code.name)
        _write_json(draft / "config.json", to_config(state.model, dtype, state.sequence_length) | ids)
        _write_json(draft / "generation_config.json", ids)
        files = shards.write(draft, listed, dtype, read, shard_bytes)
    return Written(dtype, files, state.sequence_length, tokenizer is not None)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
