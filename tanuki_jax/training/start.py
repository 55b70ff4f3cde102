"""Where a process of a run begins: at its newest good checkpoint, at another run's weights, or fresh."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State, find, newest_good, read_state, set_aside, weights_fingerprint
from tanuki_jax.checkpoints.parameters import base_of, load, restored
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.transformer import Params
from tanuki_jax.lm.parallel.sharding import place, replicate, shardings
from tanuki_jax.training import guard
from tanuki_jax.training.distributed import agree
from tanuki_jax.training.loss_history import read_history
from tanuki_jax.training.runs.run_folder import RunFolder
from tanuki_jax.training.step import TrainState, initial_state

_SHAPE_FREE = ("rope_theta", "initial_std", "norm_epsilon")
"""Fields of a model that a new stage may change: the arrays stay the same."""


def begin(experiment: Experiment, mesh: Mesh, run: RunFolder, data: str) -> tuple[TrainState, State]:
    """The train state on the mesh, and the steps, tokens and skipped data behind it.

    Args:
        experiment: its `start` holds if the run has no good checkpoint of its own.
        mesh: to place the arrays on.
        run: its folder.
        data: fingerprint of what determines batches; a checkpoint's must be the same to go on from it.

    Raises:
        InputError: the data or the model changed since the checkpoint, every checkpoint of the run is damaged, or there is none where
            `start` says, or not all of it that is to be loaded.
    """
    checkpoint = _newest(run)
    if checkpoint is not None:
        state = read_state(checkpoint)
        _refuse_other_model(experiment.model, state.model, checkpoint, exact=True)
        _refuse_other_adapter(_adapters(experiment), state.adapters, checkpoint)
        if state.data != data:
            raise InputError(
                f"the data changed since {checkpoint} was saved (stores, mixture, sequence length, batch or seed); "
                f"undo that, or begin another run with --name and --start.checkpoint={run.path}"
            )
        run.log_event("resumed", step=state.step, checkpoint=str(checkpoint))
        return resumed(experiment, mesh, checkpoint, state), state
    begun = State(
        step=0,
        tokens=0,
        skipped=(),
        model=experiment.model,
        tokenizer=experiment.data.tokenizer.path,
        sequence_length=experiment.data.sequence_length,
        data=data,
        files={},
        adapters=_adapters(experiment),
    )
    if not experiment.start.checkpoint:
        run.log_event("started", seed=experiment.seed)
        return _completed(experiment, mesh, None, {}), begun
    checkpoint = Path(agree(lambda: str(find(experiment.start.checkpoint))))
    state = read_state(checkpoint)
    _refuse_other_model(experiment.model, state.model, checkpoint, exact=False)
    optimizer = experiment.start.load == "parameters_and_optimizer"
    if optimizer and state.adapters:
        raise InputError(
            f"the optimizer state of {checkpoint} is of its adapters; start with --start.load=parameters, which merges them"
        )
    if optimizer and not (checkpoint / "optimizer").is_dir():
        raise InputError(
            f"the checkpoint {checkpoint} has no optimizer state (it was converted); start with --start.load=parameters"
        )
    run.log_event("started", checkpoint=str(checkpoint), load=experiment.start.load)
    if optimizer:
        restored = _restored(experiment, mesh, checkpoint, state)
        return restored | {"accepted": jax.numpy.zeros_like(restored["accepted"])}, begun
    parameters = loaded(experiment, mesh, checkpoint)
    if not experiment.lora.rank:
        return _completed(experiment, mesh, None, {"parameters": parameters}), begun
    begun = dataclasses.replace(begun, base=str(checkpoint), base_fingerprint=weights_fingerprint(state))
    return _completed(experiment, mesh, parameters, {}), begun


def _newest(run: RunFolder) -> Path | None:
    """The checkpoint that every process goes on from."""

    def find_newest() -> str:
        found, passed_over = newest_good(run.checkpoints)
        for damaged, wrong in passed_over.items():
            aside = set_aside(damaged, wrong) if found else damaged
            run.log_event("checkpoint_damaged", checkpoint=str(aside), reason=wrong)
        if found is None and passed_over:
            raise InputError(
                f"every checkpoint in {run.checkpoints} is damaged ({run.path}/events.jsonl says how); move it away to begin anew"
            )
        return str(found or "")

    found = agree(find_newest)
    return Path(found) if found else None


def _refuse_other_model(wanted: Model, saved: Model, checkpoint: Path, *, exact: bool) -> None:
    for field in dataclasses.fields(Model):
        here, there = getattr(wanted, field.name), getattr(saved, field.name)
        if here != there and (exact or field.name not in _SHAPE_FREE):
            way = (
                "; `convert upcycle` makes a mixture of experts of it" if field.name == "experts" and not there else ""
            )
            raise InputError(
                f"the checkpoint {checkpoint} is of another model: its {field.name} is {there}, the config's {here}{way}"
            )


def _refuse_other_adapter(wanted: Mapping[str, LoRA], saved: Mapping[str, LoRA], checkpoint: Path) -> None:
    if dict(wanted) != dict(saved):
        had = ", ".join(f"{name} of rank {of.rank}" for name, of in saved.items()) or "no adapter"
        raise InputError(
            f"the checkpoint {checkpoint} has {had}, and `lora` of the config is another; begin another run with --name"
        )


def _adapters(experiment: Experiment) -> dict[str, LoRA]:
    """Those that the run trains, by name."""
    return {experiment.lora.name: experiment.lora} if experiment.lora.rank else {}


def loaded(experiment: Experiment, mesh: Mesh, checkpoint: Path) -> Params:
    """A checkpoint's parameters on the mesh, in the type in which the run trains or freezes them."""
    dtype = experiment.lora.base_dtype if experiment.lora.rank else experiment.layout.parameter_dtype
    return load(checkpoint, dtype, functools.partial(place, mesh))


def items(experiment: Experiment, state: TrainState) -> dict[str, Any]:
    """What a checkpoint holds of a train state, item by item."""
    weights = (
        {"adapters": {experiment.lora.name: state["parameters"]}}
        if experiment.lora.rank
        else {"base": state["parameters"]}
    )
    return weights | {"optimizer": {"moments": state["optimizer"], "accepted": state["accepted"]}}


def resumed(experiment: Experiment, mesh: Mesh, checkpoint: Path, state: State) -> TrainState:
    """The train state of a run at one of its own checkpoints, whose `state` is given."""
    history = read_history(state)
    slow = state.step < history.slow_until
    losses = history.loss_history
    window = guard.window(experiment.guard.window, losses.losses, losses.gradient_norms)
    left = replicate(mesh, {"guard": window, "rate_factor": np.float32(experiment.rewind.slow_factor if slow else 1)})
    return _restored(experiment, mesh, checkpoint, state) | left


def _restored(experiment: Experiment, mesh: Mesh, checkpoint: Path, saved: State) -> TrainState:
    """The state at a checkpoint, with its optimizer. Corrupt if the arrays on the devices are not those that were saved."""
    shapes = jax.eval_shape(lambda: initial_state(experiment))
    found = restored(checkpoint, saved, **items(experiment, place(mesh, shapes)))
    optimizer = found["optimizer"]
    state = {"optimizer": optimizer["moments"], "accepted": optimizer["accepted"]}
    if not experiment.lora.rank:
        return _completed(experiment, mesh, None, state | {"parameters": found["base"]})
    base = loaded(experiment, mesh, base_of(checkpoint, saved))
    return _completed(experiment, mesh, base, state | {"parameters": found["adapters"][experiment.lora.name]})


def _completed(experiment: Experiment, mesh: Mesh, base: Params | None, found: TrainState) -> TrainState:
    """A train state of which some parts are found; the others are fresh. The arrays of `base`, which an adapter is for, are gone."""
    placed = shardings(mesh, jax.eval_shape(lambda: initial_state(experiment)))

    def rest(base: Params | None) -> TrainState:
        return {name: part for name, part in initial_state(experiment, base).items() if name not in found}

    fresh: TrainState = jax.jit(
        rest, donate_argnums=0, out_shardings={name: part for name, part in placed.items() if name not in found}
    )(base)
    return found | fresh
