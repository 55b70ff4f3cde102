"""Llama 1 to 3.3 (Touvron et al. 2023; Llama team 2024), and what is called so."""

from tanuki_jax.checkpoints.hugging_face.family import ATTENTION, SWIGLU, Family

LLAMA = Family(
    model_type="llama",
    architecture="LlamaForCausalLM",
    names=ATTENTION | SWIGLU,
    optional=frozenset({"tied", "explicit_head_dim", "rope_scaling"}),
    defaults={"rms_norm_eps": 1e-6, "rope_theta": 10_000.0, "max_position_embeddings": 2048},
    must_be={"attention_bias": (False, None), "mlp_bias": (False, None)},
    read=lambda fields: fields.head_dim(),
    write=lambda model: {"attention_bias": False, "mlp_bias": False},
)
