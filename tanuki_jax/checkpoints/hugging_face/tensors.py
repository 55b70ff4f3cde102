"""Tensors of Hugging Face's files and the weights that they hold.

A matrix there is [outputs, inputs], ours is [inputs, outputs] with heads as dims of their own. Both rotate the halves
of a head, so that no rows change their order.
"""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.hugging_face.family import Family
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.weights import Weight, weights


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor of Hugging Face's, and the part of a weight that it holds."""

    name: str
    shape: tuple[int, ...]
    parameter: str
    """Dotted path of the weight, as in `blocks.q`."""
    index: tuple[int, ...]
    """Index of the part: of a stacked weight the layer in its group, of experts the layer and the expert."""


def tensors(family: Family, model: Model) -> list[Tensor]:
    """Return all tensors of a model: the embedding, layer by layer, the rest. A tied model has no output matrix.

    InputError, naming the weight, if the family has no tensor for one.
    """
    rows = weights(model)

    def tensor(path: str, index: tuple[int, ...] = (), layer: int = 0) -> Tensor:
        row = rows[path]
        shape = _outside_shape(row, row.shape[len(index) :])
        return Tensor(tensor_name(family, path, (layer, *index[1:])), shape, path, index)

    found, first = [tensor("embedding")], 0
    for group in model.groups:
        paths = [path for path in rows if path.startswith(group.path(""))]
        for layer in range(group.layers):
            for path in paths:
                experts = np.ndindex(rows[path].shape[1 : rows[path].lead])
                found += [tensor(path, (layer, *expert), first + layer) for expert in experts]
        first += group.layers
    return found + [tensor(path) for path in ("norm", "output") if path in rows]


def layers_of(model: Model, path: str) -> range:
    """Return the numbers, in the model, of the layers that a stacked weight has."""
    first = 0
    for group in model.groups:
        if path.startswith(group.path("")):
            return range(first, first + group.layers)
        first += group.layers
    raise KeyError(path)


def tensor_name(family: Family, path: str, index: tuple[int, ...]) -> str:
    """Return Hugging Face's name of a weight, of a layer of it, or of an expert of a layer.

    Args:
        family: names of the weights.
        path: dotted path of the weight.
        index: number of the layer in the model, and of the expert; ignored where the name has none.

    Raises:
        InputError: the family has no tensor for the weight.
    """
    name = path.rpartition(".")[2]
    if name not in family.names:
        raise InputError(
            f"models of type {family.model_type!r} have no tensor for the weight {path}, so it cannot be exported"
        )
    return f"{family.names[name].format(*index)}.weight"


def outputs_first(row: Weight) -> bool:
    """Whether Hugging Face's tensor of a weight has its outputs first; embeddings have rows of tokens, as ours."""
    return row.inputs > 0 and not row.lookup


def to_hugging_face(row: Weight, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return our values, without dims of layers and experts, as Hugging Face's tensor: a view."""
    return values.reshape(_outside_shape(row, values.shape)[::-1]).T if outputs_first(row) else values


def from_hugging_face(row: Weight, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return Hugging Face's tensor, or some rows of it, as our values: a view."""
    if not outputs_first(row):
        return tensor
    # Some rows of a tensor are some of the outputs, whose first dim is therefore left open.
    return tensor.T.reshape(*row.input_shape, -1, *row.output_shape[1:])


def _outside_shape(row: Weight, shape: tuple[int, ...]) -> tuple[int, ...]:
    if not outputs_first(row):
        return shape
    return math.prod(shape[row.inputs :]), math.prod(shape[: row.inputs])
