"""How the parameters of a Llama are named and laid out here and in Hugging Face's files.

A matrix there is [outputs, inputs], ours is [inputs, outputs] with heads as dims of their own. Both rotate the halves of a head, so
that no rows change places.
"""

import dataclasses
import math
from typing import Any

import numpy.typing as npt

from tanuki_jax.config.model import Model
from tanuki_jax.model.llama import shapes

_NAMES = {"embedding": "model.embed_tokens", "norm": "model.norm", "output": "lm_head"}
_NAMES_IN_LAYER = {
    "attention_norm": "input_layernorm",
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "o": "self_attn.o_proj",
    "mlp_norm": "post_attention_layernorm",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor of Hugging Face's, and where it is among our parameters."""

    name: str
    shape: tuple[int, ...]
    parameter: str
    """Dotted path, as in `blocks.q`."""
    layer: int | None
    """None if the parameter is not stacked."""


def tensors(model: Model) -> list[Tensor]:
    """All tensors of a model: the embedding, layer by layer, the rest. A tied model has no `lm_head`."""
    ours = shapes(model)
    single = {key: Tensor(f"{_NAMES[key]}.weight", _outside(key, ours[key].shape), key, None) for key in _NAMES if key in ours}
    stacked = [
        Tensor(f"model.layers.{layer}.{name}.weight", _outside(key, ours["blocks"][key].shape[1:]), f"blocks.{key}", layer)
        for layer in range(model.layers)
        for key, name in _NAMES_IN_LAYER.items()
    ]
    return [single.pop("embedding"), *stacked, *single.values()]


def tensor_name(parameter: str, layer: int | None) -> str:
    """Hugging Face's name of a parameter, given by its dotted path, or of one layer of it."""
    key = parameter.removeprefix("blocks.")
    return f"{_NAMES[key]}.weight" if layer is None else f"model.layers.{layer}.{_NAMES_IN_LAYER[key]}.weight"


def to_hugging_face(parameter: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Our values, without a layer dim, as Hugging Face's tensor: a view."""
    key = parameter.removeprefix("blocks.")
    return values.reshape(_outside(key, values.shape)[::-1]).T if _is_product(key) else values


def from_hugging_face(parameter: str, tensor: npt.NDArray[Any], head_dim: int) -> npt.NDArray[Any]:
    """Hugging Face's tensor, or some rows of it, as our values: a view."""
    key = parameter.removeprefix("blocks.")
    if not _is_product(key):
        return tensor
    inputs, outputs = tensor.shape[::-1]
    if key == "o":
        return tensor.T.reshape(-1, head_dim, outputs)
    return tensor.T.reshape(inputs, -1, head_dim) if key in "qkv" else tensor.T


def _outside(key: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    if not _is_product(key):
        return shape
    inputs = 2 if key == "o" else 1
    return math.prod(shape[inputs:]), math.prod(shape[:inputs])


def _is_product(key: str) -> bool:
    """Whether activations are multiplied by it."""
    return key != "embedding" and not key.endswith("norm")
