"""The shape of a model as Hugging Face's `config.json` has it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tanuki_jax.config.model import Model
from tanuki_jax.errors import InputError

_MUST_BE: Mapping[str, tuple[Any, ...]] = {
    "attention_bias": (False, None),
    "mlp_bias": (False, None),
    "hidden_act": ("silu", None),
    "quantization_config": (None,),
}
"""Fields of a Llama that change its arithmetic, and the values that ours has; None: the field is not there."""


def to_config(model: Model, dtype: str, positions: int, bos: int | None, eos: int | None) -> dict[str, Any]:
    """Fields of `LlamaConfig`, for transformers 5 and, by their older names, for what came before it.

    Args:
        model: shape of the model.
        dtype: type of the tensors.
        positions: tokens in the longest text that it is made for.
        bos: id that begins a sequence, if any.
        eos: id that ends a document, if there is a tokenizer.
    """
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
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
        "attention_bias": False,
        "mlp_bias": False,
        "initializer_range": model.initial_std,
        "bos_token_id": bos,
        "eos_token_id": eos,
        "dtype": dtype,
        "torch_dtype": dtype,
    }


def read_model(folder: Path) -> Model:
    """The shape that a folder's `config.json` describes. InputError if there is none, or it is of a model that ours cannot be."""
    path, config = _read(folder)
    for field, allowed in _MUST_BE.items():
        if config.get(field) not in allowed:
            raise InputError(f"{path} has {field} {config[field]!r}, which this Llama does not have (it would have to be {allowed[0]!r})")
    heads = _number(path, config, "num_attention_heads", int)
    model = Model(
        vocabulary=_number(path, config, "vocab_size", int),
        width=_number(path, config, "hidden_size", int),
        hidden=_number(path, config, "intermediate_size", int),
        layers=_number(path, config, "num_hidden_layers", int),
        heads=heads,
        kv_heads=_number(path, config, "num_key_value_heads", int, heads),
        rope_theta=_rope_theta(path, config),
        norm_epsilon=_number(path, config, "rms_norm_eps", float, 1e-6),
        tied=config.get("tie_word_embeddings") is True,
        initial_std=_number(path, config, "initializer_range", float, 0.02),
    )
    if model.width % heads or heads % model.kv_heads or config.get("head_dim") not in (None, model.head_dim):
        raise InputError(
            f"{path} has {heads} heads, {model.kv_heads} for keys, of size {config.get('head_dim') or model.width / heads} in a width "
            f"of {model.width}; the first must be a multiple of the second, and their number times their size the width"
        )
    return model


def read_positions(folder: Path) -> int:
    """Tokens in the longest text that the model of a folder is made for; where `config.json` does not say, 2048 as in transformers."""
    return _number(*_read(folder), "max_position_embeddings", int, 2048)


def _read(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A folder's `config.json` and what is in it. InputError if there is none, or it is not of a Llama."""
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(f"{folder} is not a model of Hugging Face's: it has no config.json")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    if not isinstance(config, dict) or config.get("model_type") != "llama":
        kind = config.get("model_type") if isinstance(config, dict) else None
        raise InputError(f"{path} is of a model of type {kind!r}; only 'llama' can be converted")
    return path, config


def _rope_theta(path: Path, config: Mapping[str, Any]) -> float:
    """Base of the rotary embedding, in the new place or the old one. InputError if positions are scaled."""
    rope: dict[str, Any] = {}
    for field in ("rope_scaling", "rope_parameters"):
        if not isinstance(part := config.get(field) or {}, dict):
            raise InputError(f"{path} has {field} {part!r}, which must be an object")
        rope |= part
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default" or rope.get("partial_rotary_factor", 1.0) != 1.0:
        raise InputError(f"{path} has rotary positions of type {kind!r}: {json.dumps(rope)}; only plain ones can be converted")
    return _number(path, {**config, **rope}, "rope_theta", float, 10_000.0)


def _number[Number: (int, float)](path: Path, config: Mapping[str, Any], field: str, kind: type[Number], default: Any = None) -> Number:
    value = config.get(field)
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int | kind) or value <= 0:
        raise InputError(f"{path} has {field} {value!r}, which must be {'a whole' if kind is int else 'a'} number above 0")
    return kind(value)
