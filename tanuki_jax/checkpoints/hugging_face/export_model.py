"""A checkpoint as a model folder of Hugging Face's."""

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
from tanuki_jax.checkpoints.hugging_face.configuration import CODE, TANUKI, model_type, to_config
from tanuki_jax.checkpoints.hugging_face.tensors import Tensor, tensors, to_hugging_face
from tanuki_jax.checkpoints.parameters import Weights
from tanuki_jax.checkpoints.tokenizer_copy import tokenizer_path
from tanuki_jax.data.tokenizer.load import load


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
    checkpoint: Path,
    out: Path,
    dtype: str,
    done: Callable[[int], None],
    shard_bytes: int = shards.SHARD_BYTES,
    adapter: str = "",
) -> Written:
    """Writes the folder `out`, which transformers loads as a `LlamaForCausalLM` or a `MixtralForCausalLM` with its tokenizer.

    A mixture of experts with standardized router logits it loads, with `trust_remote_code`, by our code, which is then in the folder.

    Args:
        checkpoint: folder of a finished checkpoint.
        out: a folder that does not exist yet; it appears when it is complete.
        dtype: `float32` or `bfloat16`; empty: as the parameters are stored.
        done: told how many parameters have been written since the last time.
        shard_bytes: largest file.
        adapter: the one that is merged into the parameters, of a checkpoint that has several; or `none`.

    Raises:
        InputError: `out` exists, the tokenizer or an adapter's base is gone, or there is no such adapter.
    """
    state, parameters = read_state(checkpoint), Weights(checkpoint, adapter)
    dtype = dtype or parameters.read("norm").dtype.name
    tokenizer = tokenizer_path(checkpoint, state) if state.tokenizer else None

    def read(tensor: Tensor) -> npt.NDArray[Any]:
        values = parameters.read(tensor.parameter, *tensor.index)
        done(values.size)
        return to_hugging_face(tensor.parameter, values)

    with new_folder(out) as draft:
        bos = eos = None
        if tokenizer is not None:
            tokenizer_files.write(tokenizer, draft)
            loaded = load(tokenizer)
            bos, eos = loaded.bos, loaded.eod
        if model_type(state.model) == TANUKI:
            shutil.copyfile(CODE, draft / CODE.name)
        _write_json(draft / "config.json", to_config(state.model, dtype, state.sequence_length, bos, eos))
        _write_json(draft / "generation_config.json", {"bos_token_id": bos, "eos_token_id": eos})
        files = shards.write(draft, tensors(state.model), dtype, read, shard_bytes)
    return Written(dtype, files, state.sequence_length, tokenizer is not None)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
