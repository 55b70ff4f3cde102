"""How the parameters of a model are named and laid out here and in Hugging Face's files of a Llama or a Mixtral.

A matrix there is [outputs, inputs], ours is [inputs, outputs] with heads as dims of their own. Both rotate the halves of a head, so
that no rows change places.
"""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tanuki_jax.checkpoints.chunks import stacked_dims
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.transformer import shapes

_NAMES = {
    "embedding": "model.embed_tokens",
    "attention_norm": "model.layers.{}.input_layernorm",
    "q": "model.layers.{}.self_attn.q_proj",
    "k": "model.layers.{}.self_attn.k_proj",
    "v": "model.layers.{}.self_attn.v_proj",
    "o": "model.layers.{}.self_attn.o_proj",
    "mlp_norm": "model.layers.{}.post_attention_layernorm",
    "gate": "model.layers.{}.mlp.gate_proj",
    "up": "model.layers.{}.mlp.up_proj",
    "down": "model.layers.{}.mlp.down_proj",
    "router": "model.layers.{}.block_sparse_moe.gate",
    "expert_gate": "model.layers.{}.block_sparse_moe.experts.{}.w1",
    "expert_up": "model.layers.{}.block_sparse_moe.experts.{}.w3",
    "expert_down": "model.layers.{}.block_sparse_moe.experts.{}.w2",
    "norm": "model.norm",
    "output": "lm_head",
}


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor of Hugging Face's, and where it is among our parameters."""

    name: str
    shape: tuple[int, ...]
    parameter: str
    """Dotted path, as in `blocks.q`."""
    index: tuple[int, ...]
    """Of a stacked parameter the layer, of experts the layer and the expert."""


def tensors(model: Model) -> list[Tensor]:
    """All tensors of a model: the embedding, layer by layer, the rest. A tied model has no `lm_head`."""
    ours = shapes(model)

    def of(parameter: str, shape: tuple[int, ...], index: tuple[int, ...] = ()) -> Tensor:
        return Tensor(tensor_name(parameter, index), _outside(parameter, shape[len(index) :]), parameter, index)

    stacked = {f"blocks.{key}": ours["blocks"][key].shape for key in _NAMES if key in ours["blocks"]}
    blocks = [
        of(parameter, shape, (layer, *expert))
        for layer in range(model.layers)
        for parameter, shape in stacked.items()
        for expert in np.ndindex(shape[1 : stacked_dims(parameter)])
    ]
    return [
        of("embedding", ours["embedding"].shape),
        *blocks,
        *(of(key, ours[key].shape) for key in ("norm", "output") if key in ours),
    ]


def tensor_name(parameter: str, index: tuple[int, ...]) -> str:
    """Hugging Face's name of a parameter, given by its dotted path, or of one layer, or of one expert of a layer of it."""
    return f"{_NAMES[_key(parameter)].format(*index)}.weight"


def to_hugging_face(parameter: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Our values, without dims of layers and experts, as Hugging Face's tensor: a view."""
    return values.reshape(_outside(parameter, values.shape)[::-1]).T if _is_product(parameter) else values


def from_hugging_face(parameter: str, tensor: npt.NDArray[Any], head_dim: int) -> npt.NDArray[Any]:
    """Hugging Face's tensor, or some rows of it, as our values: a view."""
    if not _is_product(parameter):
        return tensor
    inputs, outputs = tensor.shape[::-1]
    key = _key(parameter)
    if key == "o":
        return tensor.T.reshape(-1, head_dim, outputs)
    return tensor.T.reshape(inputs, -1, head_dim) if key in ("q", "k", "v") else tensor.T


def _key(parameter: str) -> str:
    return parameter.removeprefix("blocks.")


def _outside(parameter: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    if not _is_product(parameter):
        return shape
    inputs = 2 if _key(parameter) == "o" else 1
    return math.prod(shape[inputs:]), math.prod(shape[:inputs])


def _is_product(parameter: str) -> bool:
    """Whether activations are multiplied by it."""
    return parameter != "embedding" and not parameter.endswith("norm")
