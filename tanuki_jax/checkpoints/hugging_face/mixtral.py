"""Mixtral (Jiang et al. 2024): a mixture of experts in every layer."""

from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.hugging_face.config_fields import ConfigFields
from tanuki_jax.checkpoints.hugging_face.family import ATTENTION, Family
from tanuki_jax.config.model import Model

NAMES = ATTENTION | {
    "router": "model.layers.{}.block_sparse_moe.gate",
    "expert_gate": "model.layers.{}.block_sparse_moe.experts.{}.w1",
    "expert_up": "model.layers.{}.block_sparse_moe.experts.{}.w3",
    "expert_down": "model.layers.{}.block_sparse_moe.experts.{}.w2",
}

DEFAULTS = {"num_key_value_heads": 8, "rms_norm_eps": 1e-5, "rope_theta": 1e6, "max_position_embeddings": 131_072}


def read_experts(fields: ConfigFields) -> dict[str, Any]:
    """Return the fields of `Model` about experts. InputError if tokens cannot be routed so."""
    experts, chosen = (fields.number(field, int) for field in ("num_local_experts", "num_experts_per_tok"))
    least = max(chosen, 2)
    if experts < least:
        raise InputError(
            f"{fields.path} has num_local_experts {experts}, which must be at least {least} (num_experts_per_tok is "
            f"{chosen})"
        )
    return {"experts": experts, "experts_per_token": chosen}


def write_experts(model: Model) -> dict[str, Any]:
    """Return the fields of `config.json` about experts."""
    return {
        "num_local_experts": model.experts,
        "num_experts_per_tok": model.experts_per_token,
        "router_aux_loss_coef": 0.001,  # the default of Mixtral, for further training there
        "router_jitter_noise": 0.0,
        "sliding_window": None,
    }


MIXTRAL = Family(
    model_type="mixtral",
    architecture="MixtralForCausalLM",
    names=NAMES,
    required=frozenset({"experts"}),
    optional=frozenset({"tied", "explicit_head_dim", "rope_scaling"}),
    defaults=DEFAULTS,
    must_be={"sliding_window": (None,)},
    read=lambda fields: {**fields.head_dim(), **read_experts(fields)},
    write=write_experts,
)
