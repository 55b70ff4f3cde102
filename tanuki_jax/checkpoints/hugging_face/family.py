"""Description of a family of models of Hugging Face: one instance in a file of its own, and a row in `families`."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tanuki_jax.checkpoints.hugging_face.config_fields import ConfigFields
from tanuki_jax.config.model import Model

ATTENTION = {
    "embedding": "model.embed_tokens",
    "attention_norm": "model.layers.{}.input_layernorm",
    "q": "model.layers.{}.self_attn.q_proj",
    "k": "model.layers.{}.self_attn.k_proj",
    "v": "model.layers.{}.self_attn.v_proj",
    "o": "model.layers.{}.self_attn.o_proj",
    "mlp_norm": "model.layers.{}.post_attention_layernorm",
    "norm": "model.norm",
    "output": "lm_head",
}
"""Names that all families share, without the ending `.weight`."""

SWIGLU = {
    "gate": "model.layers.{}.mlp.gate_proj",
    "up": "model.layers.{}.mlp.up_proj",
    "down": "model.layers.{}.mlp.down_proj",
}
"""Names of a dense layer's SwiGLU."""

_SIZES = {
    "vocabulary",
    "width",
    "hidden",
    "layers",
    "heads",
    "kv_heads",
    "experts_per_token",
    "rope_theta",
    "norm_epsilon",
    "initial_std",
}
"""Fields of a model that every family has."""


def features(model: Model) -> set[str]:
    """Return the names of a model's fields, sizes aside, that differ from their defaults. A new field is a feature that
    no family has until it lists it."""
    if model.explicit_head_dim * model.heads == model.width:
        model = dataclasses.replace(model, explicit_head_dim=0)
    fields = (field for field in dataclasses.fields(Model) if field.name not in _SIZES)
    return {field.name for field in fields if getattr(model, field.name) != field.default}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """A `model_type` of Hugging Face."""

    model_type: str
    architecture: str
    """Class of transformers."""
    names: Mapping[str, str]
    """Last name of a weight's path -> name of its tensor, with {} for the numbers of layer and expert, without
    `.weight`."""
    required: frozenset[str] = frozenset()
    """Features that each of its models has."""
    optional: frozenset[str] = frozenset()
    """Features that its models may have."""
    defaults: Mapping[str, Any]
    """Values that transformers assumes for missing fields of `config.json`."""
    must_be: Mapping[str, tuple[Any, ...]]
    """Fields that change the arithmetic, and the values that ours has; None: the field is missing."""
    read: Callable[[ConfigFields], dict[str, Any]] = lambda fields: {}
    """(fields of `config.json`) -> fields of `Model` that not all families have."""
    write: Callable[[Model], dict[str, Any]] = lambda model: {}
    """(model) -> fields of `config.json` that not all families have."""
    code: Path | None = None
    """File that transformers runs with `trust_remote_code`; None: transformers knows the type."""

    def fits(self, model: Model) -> bool:
        """Whether a model can be exported as one of this family."""
        found = features(model)
        return self.required <= found <= self.required | self.optional
