"""Adapter of another run that a run trains further."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

from jax.sharding import Mesh

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State
from tanuki_jax.checkpoints.parameters import adapter_shapes, restored
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.lora import LoRA
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.parallel.sharding import with_shardings

_EQUAL = ("rank", "alpha", "rslora", "dora", "projections")
"""Settings that say which arrays an adapter has and what they compute."""


class StartedAdapter(NamedTuple):
    """Adapter of a checkpoint that a run begins with."""

    name: str
    """Name in the checkpoint; the run saves it under its own `lora.name`."""
    changed: dict[str, tuple[str, str]]
    """Fields of `lora` that differ: name -> value with which it was trained and that of the run, in words."""


def choose_started(checkpoint: Path, state: State, wanted: LoRA) -> StartedAdapter:
    """Return the adapter of a checkpoint that a run with the settings `wanted` trains further: the only one, or the one
    of the same name.

    InputError if there is none, several of other names, or it has other settings than `wanted` in what it is made of.
    """
    if not state.adapters:
        raise InputError(
            f"start.load is adapter, but the checkpoint {checkpoint} has none; start with --start.load=parameters, "
            "which trains a new one"
        )
    name = next(iter(state.adapters)) if len(state.adapters) == 1 else wanted.name
    if name not in state.adapters:
        raise InputError(
            f"lora.name is {wanted.name!r}, and the checkpoint {checkpoint} has the adapters "
            f"{', '.join(state.adapters)}; set it to the name of the one that is to be trained further"
        )
    saved = state.adapters[name]
    differing = {
        field.name: (shown(getattr(saved, field.name)), shown(getattr(wanted, field.name)))
        for field in dataclasses.fields(LoRA)
        if _comparable(getattr(saved, field.name)) != _comparable(getattr(wanted, field.name))
    }
    for field in _EQUAL:
        if field in differing:
            theirs, ours = differing[field]
            raise InputError(
                f"lora.{field} is {ours}, and the adapter {name} of {checkpoint} was trained with {theirs}; set it to "
                "that, or start with --start.load=parameters, which merges the adapter and trains a new one"
            )
    changed = {f"lora.{field}": values for field, values in differing.items()}
    return StartedAdapter(name, changed)


def load_adapter(experiment: Experiment, mesh: Mesh, checkpoint: Path, state: State, name: str) -> Params:
    """Return an adapter of a checkpoint on the mesh, without its scale, in the type in which the run trains it.

    Corrupt if the arrays on the devices are not those that were saved.
    """
    tree = adapter_shapes(state.model, state.adapters, experiment.layout.parameter_dtype)
    found = restored(checkpoint, state, adapters=with_shardings(mesh, state.model, tree))
    adapter: Params = found["adapters"][name]
    return adapter


def _comparable(value: Any) -> Any:
    """Return a value whose order means nothing, as that of projections."""
    return sorted(value) if isinstance(value, tuple) else value


def shown(value: Any) -> str:
    """Return the value of a setting in words."""
    if dataclasses.is_dataclass(value):
        return ", ".join(f"{field.name} {shown(getattr(value, field.name))}" for field in dataclasses.fields(value))
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) or type(value) is int else str(value)
