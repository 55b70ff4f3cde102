"""Import of a model folder of Hugging Face as a checkpoint."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import stream
from tanuki_jax.checkpoints.format import State, finish
from tanuki_jax.checkpoints.hugging_face.configuration import read_configuration, read_ids
from tanuki_jax.checkpoints.hugging_face.family import Family
from tanuki_jax.checkpoints.hugging_face.shards import FLOATS, Shards, Stored
from tanuki_jax.checkpoints.hugging_face.tensors import from_hugging_face, outputs_first, tensor_name, tensors
from tanuki_jax.checkpoints.tokenizer_copy import TokenizerCopy
from tanuki_jax.config.model import Model
from tanuki_jax.data.tokenizer.load import JSON, MODEL, load
from tanuki_jax.lm.model.weights import shapes, weights

_RECOMPUTED = ".rotary_emb.inv_freq"
"""End of the names of tensors that older files hold beside parameters."""
_ROWS = 4096
"""Rows of a tied model's output matrix that are compared with the embedding at once."""


def write(folder: Path, out: Path, advance: Callable[[int], None]) -> State:
    """Write the checkpoint `out` from a model in `folder`, in bfloat16 if all tensors are, else in float32; nothing is
    rounded.

    Args:
        folder: folder with config.json, safetensors and, unless there is none, a tokenizer.
        out: a folder that does not exist yet; it appears when it is complete.
        advance: called with the number of parameters written since the last call.

    Raises:
        InputError: `out` exists, ours cannot be such a model, or tensors are missing, too many, of other shapes or
            types, or not finite.
    """
    (family, model, length), files = read_configuration(folder), Shards(folder)
    dtype = _check(folder, files.tensors, family, model)
    if model.tied and (head := tensor_name(family, "output", ())) in files.tensors:
        _refuse_other_head(files, head, tensor_name(family, "embedding", ()))
    rows, names = weights(model), {(tensor.parameter, tensor.index): tensor.name for tensor in tensors(family, model)}

    def read(parameter: str, part: stream.Part) -> npt.NDArray[Any]:
        index = tuple(number for number in part if isinstance(number, int))
        # A weight without layers may be cut along its first dim, which is that of the tensor's rows, or along its
        # outputs.
        cut = slice(None) if index else part[-1 if outputs_first(rows[parameter]) else 0]
        assert isinstance(cut, slice)
        name = names[parameter, index]
        tensor = files.read(name, cut).astype(dtype, copy=False)
        if not np.isfinite(tensor).all():
            raise InputError(f"{files.tensors[name].path} has NaN or infinity in {name}")
        advance(tensor.size)
        return from_hugging_face(rows[parameter], tensor)

    with new_folder(out) as draft:
        stream.write(draft, model, shapes(model, dtype), read)
        state, tokenizer = State.converted(model, length), ""
        if any((folder / name).is_file() for name in (MODEL, JSON)):
            state, tokenizer = TokenizerCopy.read(folder).write(draft, state), load(folder).fingerprint
        state = dataclasses.replace(state, ids=read_ids(folder, tokenizer))
        finish(draft, state)
    return state


def _refuse_other_head(files: Shards, head: str, embedding: str) -> None:
    """Raise InputError if the output matrix that the files of a tied model hold is not the embedding."""
    found, expected = files.tensors[head], files.tensors[embedding]
    rows = expected.shape[0]
    parts = (slice(start, min(start + _ROWS, rows)) for start in range(0, rows, _ROWS))
    if found.shape != expected.shape or not all(
        np.array_equal(files.read(head, part), files.read(embedding, part)) for part in parts
    ):
        raise InputError(
            f"{found.path} has the tensor {head}, which is not the embedding, and by config.json "
            "(tie_word_embeddings) it would be; set tie_word_embeddings to false if the tensor is the right one"
        )


def _check(folder: Path, found: Mapping[str, Stored], family: Family, model: Model) -> str:
    """Return the type that holds every tensor exactly. InputError if the tensors are not those of the model."""
    wanted = {tensor.name: tensor.shape for tensor in tensors(family, model)}
    passed_over = {tensor_name(family, "output", ())} if model.tied else set()
    for name, shape in wanted.items():
        if name not in found:
            raise InputError(f"{folder} lacks the tensor {name}")
        tensor = found[name]
        if tensor.shape != shape:
            raise InputError(f"{tensor.path} has {name} of shape {tensor.shape}, which by config.json would be {shape}")
    for name, tensor in found.items():
        if name not in wanted and name not in passed_over and not name.endswith(_RECOMPUTED):
            raise InputError(f"{tensor.path} has the tensor {name}, which a model of this config.json does not have")
        if tensor.code not in FLOATS:
            raise InputError(f"{tensor.path} has {name} of type {tensor.code}; {', '.join(FLOATS)} can be converted")
    return "bfloat16" if all(found[name].code == "BF16" for name in wanted) else "float32"
