"""Adapters merged into the parameters that they adapt, and adapters of several checkpoints combined in one."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import stream
from tanuki_jax.checkpoints.format import State, finish, read_state
from tanuki_jax.checkpoints.parameters import Weights, adapter_shapes, choose_adapter
from tanuki_jax.checkpoints.restore import Parameters
from tanuki_jax.checkpoints.tokenizer_copy import carry_tokenizer
from tanuki_jax.config.lora import NO_ADAPTER, LoRA, check_adapter_name
from tanuki_jax.lm.model.weights import shapes


def merge(checkpoint: Path, out: Path, adapter: str, dtype: str, advance: Callable[[int], None]) -> float:
    """Write the checkpoint `out` with the parameters of another and an adapter merged into them, matrix by matrix.

    Args:
        checkpoint: a finished one, with adapters.
        out: a folder that does not exist yet; it appears when it is complete.
        adapter: name of the adapter, where there are several.
        dtype: type of the parameters.
        advance: called with the number of parameters written since the last call.

    Returns:
        Norm of the rounding error to `dtype`, over the norm of the adapter's change, of all parameters together.

    Raises:
        InputError: there is no adapter, or none of that name, its base is gone or another one, or `out` exists.
    """
    state = read_state(checkpoint)
    if choose_adapter(checkpoint, state, adapter) == NO_ADAPTER:
        raise InputError(f"{checkpoint} has no adapter that could be merged")
    base, merged = Weights(checkpoint, NO_ADAPTER), Weights(checkpoint, adapter)
    changed, lost = 0.0, 0.0

    def read(name: str, part: stream.Part) -> npt.NDArray[Any]:
        nonlocal changed, lost
        before, after = (weights.read(name, *part).astype(np.float32) for weights in (base, merged))
        rounded = after.astype(dtype)
        changed += float(np.square(after - before, dtype=np.float64).sum())
        lost += float(np.square(rounded.astype(np.float32) - after, dtype=np.float64).sum())
        advance(rounded.size)
        return rounded

    with new_folder(out) as draft:
        stream.write(draft, state.model, shapes(state.model, dtype), read)
        converted = State.converted(state.model, state.sequence_length)
        finish(draft, carry_tokenizer(checkpoint, state, draft, converted))
    return (lost / changed) ** 0.5 if changed else 0.0


def combine(checkpoints: Sequence[Path], out: Path, names: Sequence[str] = ()) -> list[str]:
    """Write the checkpoint `out` with the adapters of several, and return their names.

    Args:
        checkpoints: finished ones.
        out: a folder that does not exist yet; it appears when it is complete.
        names: new names, one for the adapter of each checkpoint; none: the names that they have.

    Raises:
        InputError: the parameters that they adapt are not the same, two have one name, a checkpoint has none, or
            several where one is to have another name, or `out` exists.
    """
    states = [read_state(checkpoint) for checkpoint in checkpoints]
    origin: dict[str, tuple[Path, str]] = {}
    adapters: dict[str, LoRA] = {}
    for checkpoint, state, renamed in zip(checkpoints, states, _renamed(checkpoints, states, names), strict=True):
        if state.base_fingerprint != states[0].base_fingerprint:
            raise InputError(
                f"the adapters of {checkpoint} are not for the parameters that those of {checkpoints[0]} are for"
            )
        if both := origin.keys() & renamed.keys():
            other, name = origin[min(both)][0], min(both)
            raise InputError(
                f"{other} and {checkpoint} both have an adapter named {name!r}; give them other names with --names"
            )
        origin |= {new: (checkpoint, old) for new, old in renamed.items()}
        adapters |= {new: dataclasses.replace(state.adapters[old], name=new) for new, old in renamed.items()}
    stored = {
        checkpoint: Parameters(checkpoint, "adapters", state.version)
        for checkpoint, state in zip(checkpoints, states, strict=True)
    }

    def read(name: str, part: stream.Part) -> npt.NDArray[Any]:
        new, _, rest = name.partition(".")
        checkpoint, old = origin[new]
        return stored[checkpoint].read(f"{old}.{rest}", *part).astype(np.float32)

    with new_folder(out) as draft:
        stream.write(draft, states[0].model, adapter_shapes(states[0].model, adapters), read, "adapters")
        first = states[0]
        converted = dataclasses.replace(
            State.converted(first.model, first.sequence_length),
            adapters=adapters,
            base=first.base,
            base_fingerprint=first.base_fingerprint,
        )
        finish(draft, carry_tokenizer(checkpoints[0], first, draft, converted))
    return [*adapters]


def _renamed(checkpoints: Sequence[Path], states: Sequence[State], names: Sequence[str]) -> list[dict[str, str]]:
    """Return for each checkpoint new name -> name of its adapters."""
    for checkpoint, state in zip(checkpoints, states, strict=True):
        if not state.adapters:
            raise InputError(f"{checkpoint} has no adapters")
    if not names:
        return [{name: name for name in state.adapters} for state in states]
    for name in names:
        check_adapter_name(name)
    if len(names) != len(checkpoints):
        raise InputError(
            f"there are {len(names)} names for the adapters of {len(checkpoints)} checkpoints; give one for each"
        )
    for checkpoint, state, name in zip(checkpoints, states, names, strict=True):
        if len(state.adapters) > 1:
            raise InputError(
                f"{checkpoint} has the adapters {', '.join(state.adapters)}, for which {name!r} is one name; leave "
                "--names out"
            )
    return [{name: next(iter(state.adapters))} for name, state in zip(names, states, strict=True)]
