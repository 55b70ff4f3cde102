"""Qwen3 (Qwen team 2025): a Llama with QK-norm and a stated head dim."""

from tanuki_jax.checkpoints.hugging_face.family import ATTENTION, SWIGLU, Family

QWEN3 = Family(
    model_type="qwen3",
    architecture="Qwen3ForCausalLM",
    names=ATTENTION
    | SWIGLU
    | {"q_norm": "model.layers.{}.self_attn.q_norm", "k_norm": "model.layers.{}.self_attn.k_norm"},
    required=frozenset({"qk_norm"}),
    optional=frozenset({"tied", "explicit_head_dim", "rope_scaling"}),
    defaults={
        "num_key_value_heads": 32,
        "head_dim": 128,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10_000.0,
        "max_position_embeddings": 32_768,
    },
    must_be={"attention_bias": (False, None), "use_sliding_window": (False, None)},
    read=lambda fields: {**fields.head_dim(), "qk_norm": True},
    write=lambda model: {"attention_bias": False, "use_sliding_window": False, "sliding_window": None},
)
