"""Checkpoints of given weights, written as a conversion writes them."""

import functools
import operator
from pathlib import Path
from typing import Any

import jax
import numpy.typing as npt

from tanuki_jax.checkpoints import stream
from tanuki_jax.checkpoints.format import State, finish
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.weights import Params


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
