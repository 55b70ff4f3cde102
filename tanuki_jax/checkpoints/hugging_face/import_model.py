"""A model folder of Hugging Face's as a checkpoint."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import stream
from tanuki_jax.checkpoints.format import State, finish
from tanuki_jax.checkpoints.hugging_face import tokenizer_files
from tanuki_jax.checkpoints.hugging_face.configuration import read_model, read_positions
from tanuki_jax.checkpoints.hugging_face.shards import Shards, Stored
from tanuki_jax.checkpoints.hugging_face.tensors import from_hugging_face, tensor_name, tensors
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.transformer import shapes

TOKENIZER = "tokenizer"
"""Folder of the tokenizer in the checkpoint."""

_FLOATS = ("F32", "BF16", "F16")
_RECOMPUTED = ".rotary_emb.inv_freq"
"""End of the name of what older files hold beside parameters."""


def write(folder: Path, out: Path, done: Callable[[int], None]) -> State:
    """Writes the checkpoint `out` from a model in `folder`, in bfloat16 if all tensors are, else in float32; nothing is rounded.

    Args:
        folder: with config.json, safetensors and, unless there is none, a tokenizer.
        out: a folder that does not exist yet; it appears when it is complete.
        done: told how many parameters have been written since the last time.

    Raises:
        InputError: `out` exists, the model is none that ours can be, or tensors are missing, too many, or of other shapes or types.
    """
    model, length = read_model(folder), read_positions(folder)
    files = Shards(folder)
    dtype = _check(folder, files.tensors, model)

    def read(parameter: str, part: stream.Part) -> npt.NDArray[Any]:
        index = tuple(at for at in part if isinstance(at, int))
        rows = slice(None) if index else part[-1 if parameter == "output" else 0]
        assert isinstance(rows, slice)
        tensor = files.read(tensor_name(parameter, index), rows).astype(dtype, copy=False)
        done(tensor.size)
        return from_hugging_face(parameter, tensor, model.head_dim)

    with new_folder(out) as draft:
        stream.write(draft, shapes(model, dtype), read)
        (draft / TOKENIZER).mkdir()
        has_tokenizer = tokenizer_files.copy(folder, draft / TOKENIZER)
        tokenizer = TOKENIZER if has_tokenizer else ""
        state = State.converted(model, tokenizer, length)
        finish(draft, state)
    return state


def _check(folder: Path, found: Mapping[str, Stored], model: Model) -> str:
    """The type that holds every tensor exactly. InputError if the tensors are not those of the model."""
    wanted = {tensor.name: tensor.shape for tensor in tensors(model)}
    for name, shape in wanted.items():
        if name not in found:
            raise InputError(f"{folder} lacks the tensor {name}")
        tensor = found[name]
        if tensor.shape != shape:
            raise InputError(f"{tensor.path} has {name} of shape {tensor.shape}, which by config.json would be {shape}")
        if tensor.code not in _FLOATS:
            raise InputError(f"{tensor.path} has {name} of type {tensor.code}; {', '.join(_FLOATS)} can be converted")
    for name, tensor in found.items():
        if name not in wanted and not name.endswith(_RECOMPUTED) and not (model.tied and name == "lm_head.weight"):
            raise InputError(f"{tensor.path} has the tensor {name}, which a model of this config.json does not have")
    return "bfloat16" if all(found[name].code == "BF16" for name in wanted) else "float32"
