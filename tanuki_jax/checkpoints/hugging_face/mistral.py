"""Mistral (Jiang et al. 2023): a Llama in which each query sees a window of the tokens before it."""

from typing import Any

from tanuki_jax.checkpoints.hugging_face.config_fields import ConfigFields
from tanuki_jax.checkpoints.hugging_face.family import ATTENTION, SWIGLU, Family


def _read(fields: ConfigFields) -> dict[str, Any]:
    windowed = {} if fields.get("sliding_window") is None else {"window": fields.number("sliding_window", int)}
    return {**fields.head_dim(), **windowed}


MISTRAL = Family(
    model_type="mistral",
    architecture="MistralForCausalLM",
    names=ATTENTION | SWIGLU,
    required=frozenset({"window"}),
    optional=frozenset({"tied", "explicit_head_dim", "rope_scaling"}),
    defaults={
        "num_key_value_heads": 8,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10_000.0,
        "max_position_embeddings": 131_072,
        "sliding_window": 4096,
    },
    must_be={},
    read=_read,
    write=lambda model: {"sliding_window": model.window},
)
