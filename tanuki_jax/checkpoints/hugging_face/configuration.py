"""Shape of a model as `config.json` of Hugging Face has it."""

from pathlib import Path
from typing import Any, NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_object import read_object
from tanuki_jax.checkpoints.format import ImportedIds
from tanuki_jax.checkpoints.hugging_face.config_fields import ConfigFields, rope_fields
from tanuki_jax.checkpoints.hugging_face.families import FAMILIES, family_of
from tanuki_jax.checkpoints.hugging_face.family import Family
from tanuki_jax.checkpoints.token_ids import TokenIds
from tanuki_jax.config.limits import check_fields
from tanuki_jax.config.model import Model
from tanuki_jax.config.validate import check_model

_MUST_BE: dict[str, tuple[Any, ...]] = {
    "hidden_act": ("silu", None),
    "quantization_config": (None,),
    "partial_rotary_factor": (1.0, None),
}
"""Fields that change the arithmetic in every family, and the values that ours has; None: the field is missing."""


def to_config(model: Model, dtype: str, positions: int) -> dict[str, Any]:
    """Return the fields of `config.json`, for transformers 5 and, by their older names, for what came before it.

    Args:
        model: shape of the model.
        dtype: type of the tensors.
        positions: tokens in the longest text that it is made for.
    """
    family = family_of(model)
    return {
        "architectures": [family.architecture],
        "model_type": family.model_type,
        "vocab_size": model.vocabulary,
        "hidden_size": model.width,
        "intermediate_size": model.hidden,
        "num_hidden_layers": model.layers,
        "num_attention_heads": model.heads,
        "num_key_value_heads": model.kv_heads,
        "head_dim": model.head_dim,
        "hidden_act": "silu",
        "rms_norm_eps": model.norm_epsilon,
        **rope_fields(model.rope_theta, model.rope_scaling),
        "max_position_embeddings": positions,
        "tie_word_embeddings": model.tied,
        "initializer_range": model.initial_std,
        "dtype": dtype,
        "torch_dtype": dtype,
        **family.write(model),
    }


def special_ids(ids: TokenIds) -> dict[str, Any]:
    """Return the fields of `config.json` and `generation_config.json` about special tokens: of several that end a text
    a list, as Llama 3 has it."""
    ends = list(ids.ends) if len(ids.ends) > 1 else next(iter(ids.ends), None)
    return {"bos_token_id": ids.bos, "eos_token_id": ends, "pad_token_id": ids.pad}


def read_ids(folder: Path, tokenizer: str) -> ImportedIds:
    """Return the ids of special tokens that `generation_config.json` states, or `config.json` where it does not.

    Args:
        folder: model folder.
        tokenizer: fingerprint of the tokenizer in it; empty: there is none.

    Raises:
        InputError: one is neither a whole number nor a list of them.
    """
    found: dict[str, tuple[int, ...]] = {}
    for path in (folder / "generation_config.json", folder / "config.json"):
        fields = read_object(path) if path.is_file() else {}
        for name in ("bos", "eos", "pad"):
            value = fields.get(f"{name}_token_id")
            ids = tuple(value) if isinstance(value, list) else () if value is None else (value,)
            if not all(type(id) is int and abs(id) < 2**31 for id in ids):
                raise InputError(f"{path} has {name}_token_id {value!r:.80}, which must be an id or a list of ids")
            if ids and not found.get(name):
                found[name] = ids
    return ImportedIds(**found, tokenizer=tokenizer)


class Configuration(NamedTuple):
    """Model that a `config.json` describes."""

    family: Family
    model: Model
    positions: int
    """Tokens in the longest text that the model is made for."""


def read_configuration(folder: Path) -> Configuration:
    """Return what a folder's `config.json` describes. InputError if there is none, its type is unknown, or our models
    cannot be so."""
    family, fields = _read(folder)
    path = fields.path
    for field, allowed in {**_MUST_BE, **family.must_be}.items():
        if fields.get(field) not in allowed:
            raise InputError(
                f"{path} has {field} {fields.get(field)!r:.80}, which our models do not have (it would have to be "
                f"{allowed[0]!r})"
            )
    heads = fields.number("num_attention_heads", int)
    model = Model(
        vocabulary=fields.number("vocab_size", int),
        width=fields.number("hidden_size", int),
        hidden=fields.number("intermediate_size", int),
        layers=fields.number("num_hidden_layers", int),
        heads=heads,
        kv_heads=fields.number("num_key_value_heads", int, heads),
        norm_epsilon=fields.number("rms_norm_eps", float),
        tied=fields.flag("tie_word_embeddings"),
        initial_std=fields.number("initializer_range", float, 0.02),
        **fields.rope(),
        **family.read(fields),
    )
    try:
        check_fields(model, prefix="model.")
        check_model(model)
    except InputError as error:
        raise InputError(f"{path} describes a model that ours cannot be: {error}") from None
    _check_layers(model, fields)
    return Configuration(family, model, fields.number("max_position_embeddings", int))


def _check_layers(model: Model, fields: ConfigFields) -> None:
    """Raise InputError if `layer_types` states other layers than the other fields do."""
    layers = ["sliding_attention" if model.window else "full_attention"] * model.layers
    if fields.get("layer_types") not in (None, layers):
        raise InputError(
            f"{fields.path} has layer_types {fields.get('layer_types')!r:.80}, and by its other fields all "
            f"{model.layers} are {layers[0]}"
        )


def _read(folder: Path) -> tuple[Family, ConfigFields]:
    """Return a folder's family and the fields of its `config.json`. InputError if there is none, or its type is
    unknown."""
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(f"{folder} is not a model folder of Hugging Face: it has no config.json")
    config = read_object(path)
    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in FAMILIES:
        known = ", ".join(map(repr, FAMILIES))
        raise InputError(f"{path} has a model of type {kind!r:.80}; models of type {known} can be converted")
    family = FAMILIES[kind]
    return family, ConfigFields(path, config, family.defaults)
