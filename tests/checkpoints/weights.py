"""Checkpoints of given weights and of adapters, written as a conversion writes them."""

import dataclasses
import functools
import operator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from tanuki_jax.checkpoints import stream
from tanuki_jax.checkpoints.format import State, finish, read_state, weights_fingerprint
from tanuki_jax.checkpoints.parameters import adapter_shapes
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.weights import Params, flatten


def reader(values: Params) -> stream.Read:
    def read(name: str, part: stream.Part) -> npt.NDArray[Any]:
        leaf: Any = functools.reduce(operator.getitem, name.split("."), values)
        found: npt.NDArray[Any] = leaf[part]
        return found

    return read


def write_weights(
    folder: Path,
    model: Model,
    values: Params,
    *,
    step: int = 0,
    tokens: int = 0,
    tokenizer: str = "",
    sequence_length: int = 64,
) -> None:
    """Write a good checkpoint whose parameters are `values`, arrays of NumPy."""
    tree = jax.tree.map(lambda array: jax.ShapeDtypeStruct(array.shape, array.dtype), values)
    stream.write(folder, model, tree, reader(values))
    left = State(
        step=step,
        tokens=tokens,
        skipped=(),
        model=model,
        tokenizer=tokenizer,
        sequence_length=sequence_length,
        data="",
        files={},
    )
    finish(folder, left)


def write_adapter(folder: Path, base: Path, of: LoRA) -> Params:
    """Write a good checkpoint with an adapter of random values over those of the checkpoint `base`; return them."""
    before = read_state(base)
    tree = adapter_shapes(before.model, {of.name: of})
    random = np.random.default_rng(len(folder.name))
    values = jax.tree.map(lambda leaf: 0.2 + 0.3 * random.standard_normal(leaf.shape).astype(np.float32), tree)
    flat = dict(flatten(values))
    stream.write(folder, before.model, tree, lambda path, part: flat[path][part], "adapters")
    state = dataclasses.replace(
        before, files={}, adapters={of.name: of}, base=str(base), base_fingerprint=weights_fingerprint(before)
    )
    finish(folder, state)
    adapter: Params = values[of.name]
    return adapter
