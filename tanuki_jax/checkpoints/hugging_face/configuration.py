"""The shape of a model as Hugging Face's `config.json` has it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.model import Model

LLAMA, MIXTRAL, TANUKI = "llama", "mixtral", "Tanuki"
"""Types of models; Tanuki is a Mixtral with standardized router logits, which transformers has to be taught by `modeling_tanuki.py`."""

CODE = Path(__file__).with_name("modeling_tanuki.py")
"""What a folder of type TANUKI holds for transformers to run."""

_ARCHITECTURES = {LLAMA: "LlamaForCausalLM", MIXTRAL: "MixtralForCausalLM", TANUKI: "TanukiForCausalLM"}
_MIXTRAL_DEFAULTS = {
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-5,
    "rope_theta": 1e6,
    "max_position_embeddings": 131_072,
}
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    LLAMA: {"rms_norm_eps": 1e-6, "rope_theta": 10_000.0, "max_position_embeddings": 2048},
    MIXTRAL: _MIXTRAL_DEFAULTS,
    TANUKI: _MIXTRAL_DEFAULTS,
}
"""What transformers takes for fields that are not there."""
_MUST_BE: Mapping[str, tuple[Any, ...]] = {
    "attention_bias": (False, None),
    "mlp_bias": (False, None),
    "hidden_act": ("silu", None),
    "sliding_window": (None,),
    "quantization_config": (None,),
}
"""Fields that change the arithmetic, and the values that ours has; None: the field is not there."""


def model_type(model: Model) -> str:
    """LLAMA, MIXTRAL or TANUKI."""
    if not model.experts:
        return LLAMA
    return TANUKI if model.router_logits == "standardized" else MIXTRAL


def to_config(model: Model, dtype: str, positions: int, bos: int | None, eos: int | None) -> dict[str, Any]:
    """Fields of `LlamaConfig` or `MixtralConfig`, for transformers 5 and, by their older names, for what came before it.

    Args:
        model: shape of the model.
        dtype: type of the tensors.
        positions: tokens in the longest text that it is made for.
        bos: id that begins a sequence, if any.
        eos: id that ends a document, if there is a tokenizer.
    """
    kind = model_type(model)
    return {
        "architectures": [_ARCHITECTURES[kind]],
        "model_type": kind,
        "vocab_size": model.vocabulary,
        "hidden_size": model.width,
        "intermediate_size": model.hidden,
        "num_hidden_layers": model.layers,
        "num_attention_heads": model.heads,
        "num_key_value_heads": model.kv_heads,
        "head_dim": model.head_dim,
        "hidden_act": "silu",
        "rms_norm_eps": model.norm_epsilon,
        "rope_parameters": {"rope_type": "default", "rope_theta": model.rope_theta},
        "rope_theta": model.rope_theta,
        "max_position_embeddings": positions,
        "tie_word_embeddings": model.tied,
        "initializer_range": model.initial_std,
        "bos_token_id": bos,
        "eos_token_id": eos,
        "dtype": dtype,
        "torch_dtype": dtype,
        **_fields_of(kind, model),
    }


def _fields_of(kind: str, model: Model) -> dict[str, Any]:
    """Those that not all types of models have."""
    if kind == LLAMA:
        return {"attention_bias": False, "mlp_bias": False}
    fields: dict[str, Any] = {
        "num_local_experts": model.experts,
        "num_experts_per_tok": model.experts_per_token,
        "router_aux_loss_coef": 0.001,  # the default of Mixtral, for those who train it further there
        "router_jitter_noise": 0.0,
        "sliding_window": None,
    }
    if kind == TANUKI:
        classes = {"AutoConfig": "TanukiConfig", "AutoModelForCausalLM": _ARCHITECTURES[TANUKI]}
        fields["auto_map"] = {auto: f"{CODE.stem}.{name}" for auto, name in classes.items()}
    return fields


def read_model(folder: Path) -> Model:
    """The shape that a folder's `config.json` describes. InputError if there is none, or it is of a model that ours cannot be."""
    path, config = _read(folder)
    for field, allowed in _MUST_BE.items():
        if config.get(field) not in allowed:
            raise InputError(
                f"{path} has {field} {config[field]!r}, which our models do not have (it would have to be {allowed[0]!r})"
            )
    heads = _number(path, config, "num_attention_heads", int)
    model = Model(
        vocabulary=_number(path, config, "vocab_size", int),
        width=_number(path, config, "hidden_size", int),
        hidden=_number(path, config, "intermediate_size", int),
        layers=_number(path, config, "num_hidden_layers", int),
        heads=heads,
        kv_heads=_number(path, config, "num_key_value_heads", int, heads),
        rope_theta=_rope_theta(path, config),
        norm_epsilon=_number(path, config, "rms_norm_eps", float),
        tied=config.get("tie_word_embeddings") is True,
        initial_std=_number(path, config, "initializer_range", float, 0.02),
        **_experts(path, config),
    )
    if model.width % heads or heads % model.kv_heads or config.get("head_dim") not in (None, model.head_dim):
        raise InputError(
            f"{path} has {heads} heads, {model.kv_heads} for keys, of size {config.get('head_dim') or model.width / heads} in a width "
            f"of {model.width}; the first must be a multiple of the second, and their number times their size the width"
        )
    return model


def read_positions(folder: Path) -> int:
    """Tokens in the longest text that the model of a folder is made for; where `config.json` does not say, as many as in transformers."""
    return _number(*_read(folder), "max_position_embeddings", int)


def _read(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A folder's `config.json` and what is in it, with defaults. InputError if there is none, or it is of a type that we do not have."""
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(f"{folder} is not a model of Hugging Face's: it has no config.json")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    kind = config.get("model_type") if isinstance(config, dict) else None
    if not isinstance(kind, str) or kind not in _DEFAULTS:
        raise InputError(
            f"{path} is of a model of type {kind!r}; only {', '.join(map(repr, _DEFAULTS))} can be converted"
        )
    return path, {**_DEFAULTS[kind], **config}


def _experts(path: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of `Model`. InputError if tokens cannot be routed so."""
    if config["model_type"] == LLAMA:
        return {}
    standardized = config["model_type"] == TANUKI
    experts, chosen = (_number(path, config, field, int) for field in ("num_local_experts", "num_experts_per_tok"))
    least = max(chosen, 2 if standardized else 1)  # one logit has no standard deviation
    if experts < least:
        raise InputError(
            f"{path} has num_local_experts {experts}, which must be at least {least} (num_experts_per_tok is {chosen})"
        )
    return {
        "experts": experts,
        "experts_per_token": chosen,
        "router_logits": "standardized" if standardized else "plain",
    }


def _rope_theta(path: Path, config: Mapping[str, Any]) -> float:
    """Base of the rotary embedding, in the new place or the old one. InputError if positions are scaled."""
    rope: dict[str, Any] = {}
    for field in ("rope_scaling", "rope_parameters"):
        if not isinstance(part := config.get(field) or {}, dict):
            raise InputError(f"{path} has {field} {part!r}, which must be an object")
        rope |= part
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default" or rope.get("partial_rotary_factor", 1.0) != 1.0:
        raise InputError(
            f"{path} has rotary positions of type {kind!r}: {json.dumps(rope)}; only plain ones can be converted"
        )
    return _number(path, {**config, **rope}, "rope_theta", float)


def _number[Number: (int, float)](
    path: Path, config: Mapping[str, Any], field: str, kind: type[Number], default: Any = None
) -> Number:
    value = config.get(field)
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int | kind) or value <= 0:
        raise InputError(
            f"{path} has {field} {value!r}, which must be {'a whole' if kind is int else 'a'} number above 0"
        )
    return kind(value)
