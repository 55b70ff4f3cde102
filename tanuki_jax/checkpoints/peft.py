"""Adapters in PEFT's format and back (https://huggingface.co/docs/peft): adapter_config.json and adapter_model.safetensors."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401  gives NumPy, and through it safetensors, the type bfloat16
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import stream
from tanuki_jax.checkpoints.format import State, finish, read_state, weights_fingerprint
from tanuki_jax.checkpoints.hugging_face.tensors import tensor_name
from tanuki_jax.checkpoints.merging import check_name
from tanuki_jax.checkpoints.parameters import NO_ADAPTER, adapter_shapes, choose_adapter
from tanuki_jax.checkpoints.restore import Parameters
from tanuki_jax.config.lora import DENSE, LoRA, Projection
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.lora import input_dims

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"
_SUFFIXES = {"a": "lora_A.weight", "b": "lora_B.weight", "m": "lora_magnitude_vector"}
_UNSUPPORTED = (
    "rank_pattern",
    "alpha_pattern",
    "modules_to_save",
    "layers_to_transform",
    "target_parameters",
    "trainable_token_indices",
)


def write(checkpoint: Path, out: Path, adapter: str) -> tuple[str, LoRA]:
    """Writes an adapter as a folder that PEFT loads onto the exported base model; returns its name and what it is.

    InputError if there is no such adapter, it is one of experts, which PEFT keeps in another way, or `out` exists.
    """
    state = read_state(checkpoint)
    name = choose_adapter(checkpoint, state, adapter)
    if name == NO_ADAPTER:
        raise InputError(f"{checkpoint} has no adapter that could be exported")
    of, stored = state.adapters[name], Parameters(checkpoint, "adapters")
    if experts := [projection for projection in of.projections if projection not in DENSE]:
        raise InputError(
            f"the adapter {name} is of {', '.join(experts)} too, which PEFT has no such adapters for; `convert merge` merges it"
        )
    tensors = {}
    for layer in range(state.model.layers):
        for projection in of.projections:
            for part in _parts(of):
                values = stored.read(f"{name}.blocks.{projection}_{part}", layer)
                tensors[_tensor(projection, layer, part)] = np.ascontiguousarray(_outside(values, projection, part))
    with new_folder(out) as draft:
        save_file(tensors, draft / TENSORS, metadata={"format": "pt"})
        (draft / CONFIG).write_text(json.dumps(_config(of, state.base), indent=2) + "\n", encoding="utf-8")
    return name, of


def read(folder: Path, base: Path, out: Path, name: str) -> LoRA:
    """Writes the checkpoint `out`, which has an adapter in PEFT's format over the parameters of `base`.

    InputError if the folder holds no LoRA adapter that ours can be, it is for another model, it cannot be named so, or `out` exists.
    """
    check_name(name)
    model_state = read_state(base)
    tensors, config = _tensors(folder), _read_config(folder)
    of = _lora(folder, config, tensors, name)
    wanted = adapter_shapes(model_state.model, {name: of})
    arrays: dict[str, npt.NDArray[Any]] = {}
    for projection in of.projections:
        for part in _parts(of):
            key = f"{projection}_{part}"
            arrays[key] = _stacked(
                folder, tensors, model_state.model, projection, part, wanted[name]["blocks"][key].shape
            )
    if left := sorted(tensors):
        raise InputError(f"{folder / TENSORS} has the tensor {left[0]}, which the model of {base} has no place for")

    with new_folder(out) as draft:
        stream.write(draft, wanted, lambda path, part: arrays[path.split(".")[-1]][part], "adapters")
        state = State.converted(model_state.model, model_state.tokenizer, model_state.sequence_length)
        fingerprint = weights_fingerprint(model_state)
        finish(draft, dataclasses.replace(state, adapters={name: of}, base=str(base), base_fingerprint=fingerprint))
    return of


def _parts(of: LoRA) -> tuple[str, ...]:
    return ("a", "b", "m") if of.dora else ("a", "b")


def _module(projection: str, layer: int) -> str:
    return tensor_name(f"blocks.{projection}", (layer,)).removesuffix(".weight")


def _tensor(projection: str, layer: int, part: str) -> str:
    return f"base_model.model.{_module(projection, layer)}.{_SUFFIXES[part]}"


def _outside(values: npt.NDArray[Any], projection: str, part: str) -> npt.NDArray[Any]:
    """A layer's array as PEFT has it: [outputs, inputs], as Hugging Face's weights."""
    if part == "m":
        return values.reshape(-1)
    inputs = input_dims(projection) if part == "a" else 1
    return values.reshape(int(np.prod(values.shape[:inputs])), -1).T


def _config(of: LoRA, base: str) -> dict[str, Any]:
    modules = sorted({_module(projection, 0).rpartition(".")[2] for projection in of.projections})
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": of.rank,
        "lora_alpha": int(of.alpha) if of.alpha.is_integer() else of.alpha,
        "lora_dropout": of.dropout,
        "use_rslora": of.rslora,
        "use_dora": of.dora,
        "target_modules": modules,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
    }


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(f"{folder} has no {CONFIG}; it is no adapter of PEFT's")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise InputError(f"{path} is not of a LoRA adapter (peft_type LORA)")
    unsupported = [field for field in _UNSUPPORTED if config.get(field)] + ["bias"] * (
        config.get("bias", "none") != "none"
    )
    if unsupported:
        raise InputError(f"{path} has {', '.join(unsupported)}, which our adapters do not have")
    return config


def _tensors(folder: Path) -> dict[str, npt.NDArray[Any]]:
    path = folder / TENSORS
    if not path.is_file():
        raise InputError(f"{folder} has no {TENSORS}")
    try:
        return {name: values.astype(np.float32) for name, values in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def _lora(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Any], name: str) -> LoRA:
    """What the adapter is; which weights it adapts is read from its tensors."""
    projections: tuple[Projection, ...] = tuple(
        projection for projection in DENSE if _tensor(projection, 0, "a") in tensors
    )
    if not projections:
        raise InputError(
            f"{folder / TENSORS} has no adapter of a Llama's projections; its first tensor is {min(tensors, default='none')}"
        )
    return LoRA(
        rank=int(config["r"]),
        alpha=float(config["lora_alpha"]),
        rslora=bool(config.get("use_rslora")),
        dora=bool(config.get("use_dora")),
        dropout=float(config.get("lora_dropout", 0.0)),
        projections=projections,
        name=name,
    )


def _stacked(
    folder: Path, tensors: dict[str, npt.NDArray[Any]], model: Model, projection: str, part: str, shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    """An adapter's array of all layers; its tensors are taken out of those that are left."""
    layers = []
    for layer in range(model.layers):
        key = _tensor(projection, layer, part)
        if key not in tensors:
            raise InputError(f"{folder / TENSORS} lacks the tensor {key}; the adapter is for another model")
        values = tensors.pop(key)
        wanted = _outside(np.empty(shape[1:], np.int8), projection, part).shape
        if values.shape != wanted:
            raise InputError(
                f"{folder / TENSORS} has {key} of shape {values.shape}, not {wanted}; the adapter is for another model"
            )
        layers.append(values.T.reshape(shape[1:]))
    return np.stack(layers)
