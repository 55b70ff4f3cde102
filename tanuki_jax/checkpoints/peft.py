"""Adapters to PEFT's format and back (https://huggingface.co/docs/peft): adapter_config.json and
adapter_model.safetensors."""

import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401  gives NumPy, and through it safetensors, the type bfloat16
import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_object import read_object
from tanuki_jax.checkpoints import stream
from tanuki_jax.checkpoints.format import State, finish, read_state, weights_fingerprint
from tanuki_jax.checkpoints.hugging_face.config_fields import ConfigFields
from tanuki_jax.checkpoints.hugging_face.families import family_of
from tanuki_jax.checkpoints.hugging_face.shards import FLOATS, stored
from tanuki_jax.checkpoints.hugging_face.tensors import layers_of, tensor_name, to_hugging_face
from tanuki_jax.checkpoints.parameters import Weights, adapter_shapes, choose_adapter
from tanuki_jax.checkpoints.restore import Parameters
from tanuki_jax.checkpoints.tokenizer_copy import carry_tokenizer
from tanuki_jax.config.limits import check_fields
from tanuki_jax.config.lora import DENSE, NO_ADAPTER, OUTSIDE, LoRA, Projection, check_adapter_name, check_outside
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model import lora
from tanuki_jax.lm.model.weights import Weight, projections, weights

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"
_SUFFIXES = {"a": "lora_A.weight", "b": "lora_B.weight", "m": "lora_magnitude_vector"}
_SUFFIXES_OF_EMBEDDING = {"a": "lora_embedding_A", "b": "lora_embedding_B"}
_BASE = ".base_layer.weight"
"""End of the names of the base's embedding and output matrix, which PEFT saves beside adapters of them."""
_EXCHANGED: tuple[Projection, ...] = (*DENSE, *OUTSIDE)
"""Projections whose adapters PEFT has too."""
_READ = {"peft_type", "r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "target_modules", "exclude_modules"}
_WITHOUT_EFFECT = {
    "task_type",
    "auto_mapping",
    "peft_version",
    "base_model_name_or_path",
    "revision",
    "inference_mode",
    "layers_pattern",
    "megatron_config",
    "megatron_core",
    "eva_config",
    "loftq_config",
    "corda_config",
    "qalora_group_size",
    "runtime_config",
}
_INITIAL = (True, False, None, "gaussian", "orthogonal", "eva")
"""Values of `init_lora_weights` that leave the base model as it is."""

_DEFAULTS = {"r": 8, "lora_alpha": 8}
"""Values that PEFT assumes for missing fields."""


def write(checkpoint: Path, out: Path, adapter: str, base: str = "") -> tuple[str, LoRA]:
    """Write an adapter as a folder that PEFT loads onto the exported base model, and return its name and settings.

    `base` is the folder or the name of that model; empty: the folder names none.

    InputError if there is no such adapter, it adapts experts, which PEFT keeps in another way, or `out` exists.
    """
    state = read_state(checkpoint)
    name = choose_adapter(checkpoint, state, adapter)
    if name == NO_ADAPTER:
        raise InputError(f"{checkpoint} has no adapter that could be exported")
    config, parameters = state.adapters[name], Parameters(checkpoint, "adapters", state.version)
    if experts := [projection for projection in config.projections if projection not in _EXCHANGED]:
        raise InputError(
            f"the adapter {name} adapts {', '.join(experts)}, for which PEFT has no such adapters; `convert merge` "
            "merges it"
        )
    tensors = {}
    for path, row in projections(state.model, config.projections).items():
        for layer, index in _places(state.model, path, row):
            for part in lora.parts(config):
                values = parameters.read(f"{name}.{path}.{part}", *index)
                key = _tensor(state.model, path, row, layer, part)
                tensors[key] = np.ascontiguousarray(_outside(values, row, part))
    with new_folder(out) as draft:
        save_file(tensors, draft / TENSORS, metadata={"format": "pt"})
        text = json.dumps(_config(state.model, config, base), indent=2) + "\n"
        (draft / CONFIG).write_text(text, encoding="utf-8")
    return name, config


def read(folder: Path, base: Path, out: Path, name: str) -> LoRA:
    """Write the checkpoint `out` with an adapter in PEFT's format over the parameters of `base`, and return its
    settings.

    InputError if the folder holds no LoRA adapter that ours can be, it is for another model, its name is invalid, or
    `out` exists.
    """
    check_adapter_name(name)
    base_state = read_state(base)
    model = base_state.model
    tensors, settings = _tensors(folder), _read_config(folder)
    _check_base(folder, tensors, model, base)
    _check_targets(folder, settings, tensors)
    config = _lora(folder, settings, tensors, name, model)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for path, row in projections(model, config.projections).items():
        for part in lora.parts(config):
            arrays[f"{name}.{path}.{part}"] = _stacked(folder, tensors, model, path, row, part, config.rank)
    if left := sorted(tensors):
        raise InputError(f"{folder / TENSORS} has the tensor {left[0]}, for which the model of {base} has no weight")

    with new_folder(out) as draft:
        shapes = adapter_shapes(model, {name: config})
        stream.write(draft, model, shapes, lambda path, part: arrays[path][part], "adapters")
        converted = dataclasses.replace(
            State.converted(model, base_state.sequence_length),
            adapters={name: config},
            base=str(base),
            base_fingerprint=weights_fingerprint(base_state),
        )
        finish(draft, carry_tokenizer(base, base_state, draft, converted))
    return config


def _module(model: Model, path: str, layer: int) -> str:
    return tensor_name(family_of(model), path, (layer,)).removesuffix(".weight")


def _places(model: Model, path: str, row: Weight) -> list[tuple[int, tuple[int, ...]]]:
    """Return for each layer of a weight its number in the model and its index in the array; outside the layers (0,
    ())."""
    if not row.lead:
        return [(0, ())]
    return [(layer, (index,)) for index, layer in enumerate(layers_of(model, path))]


def _tensor(model: Model, path: str, row: Weight, layer: int, part: str) -> str:
    suffix = (_SUFFIXES_OF_EMBEDDING if row.lookup else _SUFFIXES)[part]
    return f"base_model.model.{_module(model, path, layer)}.{suffix}"


def _outside(values: npt.NDArray[Any], row: Weight, part: str) -> npt.NDArray[Any]:
    """Return a layer's array as PEFT has it: [outputs, inputs], as weights of Hugging Face."""
    if part == "m":
        return values.reshape(-1)
    inputs = row.inputs if part == "a" else 1
    return values.reshape(math.prod(values.shape[:inputs]), -1).T


def _config(model: Model, config: LoRA, base: str) -> dict[str, Any]:
    modules = sorted({_module(model, path, 0).rpartition(".")[2] for path in projections(model, config.projections)})
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base or None,
        "r": config.rank,
        "lora_alpha": int(config.alpha) if config.alpha.is_integer() else config.alpha,
        "lora_dropout": config.dropout,
        "use_rslora": config.rslora,
        "use_dora": config.dora,
        "target_modules": modules,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
    }


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(f"{folder} has no {CONFIG}; it is not an adapter of PEFT")
    config = read_object(path)
    if config.get("peft_type") != "LORA":
        raise InputError(f"{path} is not of a LoRA adapter (peft_type LORA)")
    if (initial := config.get("init_lora_weights")) not in _INITIAL:
        raise InputError(
            f"{path} has init_lora_weights {initial!r:.80}: PEFT changed the base model before it trained the adapter, "
            "which does not fit the model that the folder names"
        )
    for field, value in config.items():
        off = value is None or value is False or value in ([], {}) or (field, value) == ("bias", "none")
        if field not in _READ | _WITHOUT_EFFECT | {"init_lora_weights"} and not off:
            raise InputError(f"{path} has {field} {value!r:.80}, which our adapters do not have")
    return config


def _tensors(folder: Path) -> dict[str, npt.NDArray[Any]]:
    path = folder / TENSORS
    if not path.is_file():
        raise InputError(f"{folder} has no {TENSORS}")
    for name, tensor in stored(path).items():
        if tensor.code not in FLOATS:
            raise InputError(f"{path} has {name} of type {tensor.code}; {', '.join(FLOATS)} can be converted")
    tensors = {name: values.astype(np.float32) for name, values in load_file(path).items()}
    if broken := [name for name, values in tensors.items() if not np.isfinite(values).all()]:
        raise InputError(f"{path} has NaN or infinity in {broken[0]}")
    return tensors


def _check_base(folder: Path, tensors: dict[str, npt.NDArray[Any]], model: Model, base: Path) -> None:
    """Remove the base's own matrices from those that are left. InputError if one is not that of the checkpoint, up to
    its rounding to bfloat16, or the base is tied and there is an adapter of the matrix."""
    rows = weights(model)
    for key in tensors if model.tied else ():
        if any(key.startswith(f"base_model.model.{_module(model, path, 0)}.") for path in OUTSIDE):
            raise InputError(
                f"{folder / TENSORS} has the tensor {key}, and in {base} one matrix is both embedding and output "
                "(model.tied), which cannot have an adapter"
            )
    known = {f"base_model.model.{_module(model, path, 0)}{_BASE}": path for path in OUTSIDE if path in rows}
    for key in known.keys() & tensors.keys():
        theirs, ours = tensors.pop(key), to_hugging_face(rows[known[key]], Weights(base).read(known[key]))
        if theirs.shape != ours.shape or not np.allclose(theirs, ours.astype(np.float32), rtol=2**-8, atol=0):
            raise InputError(
                f"{folder / TENSORS} has the tensor {key}, which is not the {known[key]} of {base}: the adapter was "
                "trained over another one; convert that model and give it to --base"
            )


def _check_targets(folder: Path, settings: Mapping[str, Any], tensors: Iterable[str]) -> None:
    """Raise InputError if there is a tensor of a module that PEFT would pass over, by `target_modules` and
    `exclude_modules`."""
    path = folder / CONFIG
    targets, excluded = (_names(path, field, settings.get(field)) for field in ("target_modules", "exclude_modules"))
    for name in tensors:
        module = name.removeprefix("base_model.model.").partition(".lora_")[0]
        for field, names, kept in (("target_modules", targets, True), ("exclude_modules", excluded, False)):
            if names is not None and names(module) is not kept:
                raise InputError(
                    f"{folder / TENSORS} has the tensor {name}, whose module is left out by {field} of {path}"
                )


def _names(path: Path, field: str, value: Any) -> Callable[[str], bool] | None:
    """Return whether a field, a list of last names or a regular expression, names a module; None: it is not set."""
    if value is None or value == []:
        return None
    if value == "all-linear":
        return lambda module: True
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return lambda module: any(f".{module}".endswith(f".{name}") for name in value)
    try:
        pattern = re.compile(value)
    except (TypeError, re.error, OverflowError):
        raise InputError(
            f"{path} has {field} {value!r:.80}, which is neither a list of names nor a regular expression"
        ) from None
    return lambda module: pattern.fullmatch(module) is not None


def _lora(folder: Path, settings: Mapping[str, Any], tensors: Mapping[str, Any], name: str, model: Model) -> LoRA:
    """Return the settings of an adapter; which weights it adapts is read from its tensors."""
    first = {
        path.rpartition(".")[2]: _tensor(model, path, row, _places(model, path, row)[0][0], "a")
        for path, row in projections(model, _EXCHANGED).items()
    }
    adapted: tuple[Projection, ...] = tuple(name for name in _EXCHANGED if first.get(name) in tensors)
    if not adapted:
        example = min(tensors, default="none")
        raise InputError(
            f"{folder / TENSORS} has no adapter of a projection of this model; its first tensor is {example}"
        )
    path = folder / CONFIG
    fields, dropout = ConfigFields(path, settings, _DEFAULTS), settings.get("lora_dropout")
    config = LoRA(
        rank=fields.number("r", int),
        alpha=fields.number("lora_alpha", float),
        rslora=fields.flag("use_rslora"),
        dora=fields.flag("use_dora"),
        dropout=0.0 if dropout is None else dropout,
        projections=adapted,
        name=name,
    )
    try:
        check_fields(config)
        check_outside(config, model.tied)
    except InputError as error:
        raise InputError(f"{path} describes an adapter that ours cannot be: {error}") from None
    return config


def _stacked(
    folder: Path, tensors: dict[str, npt.NDArray[Any]], model: Model, path: str, row: Weight, part: str, rank: int
) -> npt.NDArray[Any]:
    """Return an adapter's array, of all layers of a group, and remove its tensors from those that are left."""
    shape = row.part_shape(part, rank)[row.lead :]
    layers = []
    for layer, _ in _places(model, path, row):
        key = _tensor(model, path, row, layer, part)
        if key not in tensors:
            raise InputError(f"{folder / TENSORS} lacks the tensor {key}; the adapter is for another model")
        values = tensors.pop(key)
        wanted = _outside(np.empty(shape, np.int8), row, part).shape
        if values.shape != wanted:
            raise InputError(
                f"{folder / TENSORS} has {key} of shape {values.shape}, not {wanted}; the adapter is for another model"
            )
        layers.append(values.T.reshape(shape))
    return np.stack(layers) if row.lead else layers[0]
