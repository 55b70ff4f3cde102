"""Adapters merged into the parameters that they adapt, and adapters of several checkpoints put into one."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tanuki_jax.checkpoints import stream
from tanuki_jax.checkpoints.folder import State, finish, read_state
from tanuki_jax.checkpoints.restore import Parameters
from tanuki_jax.checkpoints.weights import NO_ADAPTER, Weights, adapter_shapes, choose_adapter
from tanuki_jax.convert.new_folder import new_folder
from tanuki_jax.errors import InputError
from tanuki_jax.model.llama import shapes


def merge(checkpoint: Path, out: Path, adapter: str, dtype: str, done: Callable[[int], None]) -> float:
    """Writes the checkpoint `out`, whose parameters are those of another with an adapter in them, matrix by matrix.

    Args:
        checkpoint: a finished one, with adapters.
        out: a folder that does not exist yet; it appears when it is complete.
        adapter: which one, where there are several.
        dtype: of the parameters.
        done: told how many parameters have been written since the last time.

    Returns:
        What rounding to `dtype` changed, over what the adapter does, as norms of all parameters together.

    Raises:
        InputError: there is no adapter, or none of that name, its base is gone or another one, or `out` exists.
    """
    state = read_state(checkpoint)
    if choose_adapter(checkpoint, state, adapter) == NO_ADAPTER:
        raise InputError(f"{checkpoint} has no adapter that could be merged")
    without, whole = Weights(checkpoint, NO_ADAPTER), Weights(checkpoint, adapter)
    changed, lost = 0.0, 0.0

    def read(name: str, part: stream.Part) -> npt.NDArray[Any]:
        nonlocal changed, lost
        before, after = without.read(name, *part).astype(np.float32), whole.read(name, *part).astype(np.float32)
        rounded = after.astype(dtype)
        changed += float(np.square(after - before, dtype=np.float64).sum())
        lost += float(np.square(rounded.astype(np.float32) - after, dtype=np.float64).sum())
        done(rounded.size)
        return rounded

    with new_folder(out) as draft:
        stream.write(draft, shapes(state.model, dtype), read)
        finish(draft, _plain(state))
    return (lost / changed) ** 0.5 if changed else 0.0


def combine(checkpoints: Sequence[Path], out: Path) -> list[str]:
    """Writes the checkpoint `out` with the adapters of several; returns their names.

    InputError if the parameters that they adapt are not the same, two have one name, a checkpoint has none, or `out` exists.
    """
    states = [read_state(checkpoint) for checkpoint in checkpoints]
    origin: dict[str, Path] = {}
    for checkpoint, state in zip(checkpoints, states, strict=True):
        if not state.adapters:
            raise InputError(f"{checkpoint} has no adapters")
        if state.base_fingerprint != states[0].base_fingerprint:
            raise InputError(f"the adapters of {checkpoint} are not for the parameters that those of {checkpoints[0]} are for")
        if both := origin.keys() & state.adapters.keys():
            raise InputError(f"{origin[min(both)]} and {checkpoint} both have an adapter named {min(both)!r}")
        origin |= dict.fromkeys(state.adapters, checkpoint)
    of = {name: lora for state in states for name, lora in state.adapters.items()}
    stored = {name: Parameters(checkpoint, "adapters") for name, checkpoint in origin.items()}

    def read(name: str, part: stream.Part) -> npt.NDArray[Any]:
        return stored[name.split(".")[0]].read(name, *part).astype(np.float32)

    with new_folder(out) as draft:
        stream.write(draft, adapter_shapes(states[0].model, of), read, "adapters")
        finish(draft, dataclasses.replace(_plain(states[0]), adapters=of, base=states[0].base, base_fingerprint=states[0].base_fingerprint))
    return [*of]


def _plain(state: State) -> State:
    """What a converted checkpoint has of a state: no run, no data, no adapters."""
    return State(
        step=0,
        tokens=0,
        skipped=(),
        model=state.model,
        tokenizer=state.tokenizer,
        sequence_length=state.sequence_length,
        data="",
        files={},
    )
