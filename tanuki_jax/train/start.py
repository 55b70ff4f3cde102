"""Where a process of a run begins: at its newest good checkpoint, at another run's weights, or fresh."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from tanuki_jax.checkpoints.folder import State, find, newest_good, read_state, set_aside
from tanuki_jax.checkpoints.restore import restore
from tanuki_jax.checkpoints.verify import verify
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.model import Model
from tanuki_jax.errors import Corrupt, InputError
from tanuki_jax.parallel.sharding import replicate, shardings
from tanuki_jax.train import guard
from tanuki_jax.train.distributed import agree
from tanuki_jax.train.run_folder import RunFolder
from tanuki_jax.train.step import TrainState, initial_state

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
        if state.data != data:
            raise InputError(
                f"the data changed since {checkpoint} was saved (stores, mixture, sequence length, batch or seed); "
                f"undo that, or begin another run with --name and --start.checkpoint={run.path}"
            )
        run.event("resumed", step=state.step, checkpoint=str(checkpoint))
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
    )
    if not experiment.start.checkpoint:
        run.event("started", seed=experiment.seed)
        return _fresh(experiment, mesh), begun
    checkpoint = Path(agree(lambda: str(find(experiment.start.checkpoint))))
    state = read_state(checkpoint)
    _refuse_other_model(experiment.model, state.model, checkpoint, exact=False)
    optimizer = experiment.start.load == "parameters_and_optimizer"
    if optimizer and not (checkpoint / "optimizer").is_dir():
        raise InputError(f"the checkpoint {checkpoint} has no optimizer state (it was converted); start with --start.load=parameters")
    run.event("started", checkpoint=str(checkpoint), load=experiment.start.load)
    restored = _restored(experiment, mesh, checkpoint, state, optimizer=optimizer)
    return restored | {"accepted": jax.numpy.zeros_like(restored["accepted"])}, begun


def _newest(run: RunFolder) -> Path | None:
    """The checkpoint that every process goes on from."""

    def find_newest() -> str:
        found, passed_over = newest_good(run.checkpoints)
        for damaged, wrong in passed_over.items():
            aside = set_aside(damaged, wrong) if found else damaged
            run.event("checkpoint_damaged", checkpoint=str(aside), reason=wrong)
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
            way = "; `convert upcycle` makes a mixture of experts of it" if field.name == "experts" and not there else ""
            raise InputError(f"the checkpoint {checkpoint} is of another model: its {field.name} is {there}, the config's {here}{way}")


def _placed(experiment: Experiment, mesh: Mesh) -> tuple[Callable[[], TrainState], Any, Any]:
    def fresh() -> TrainState:
        return initial_state(experiment)

    shapes = jax.eval_shape(fresh)
    return fresh, shapes, shardings(mesh, shapes)


def _fresh(experiment: Experiment, mesh: Mesh) -> TrainState:
    make, _, placed = _placed(experiment, mesh)
    state: TrainState = jax.jit(make, out_shardings=placed)()
    return state


def resumed(experiment: Experiment, mesh: Mesh, checkpoint: Path, state: State) -> TrainState:
    """The train state of a run at one of its own checkpoints, whose `state` is given."""
    slow = state.step < state.slow_until
    window = guard.window(experiment.guard.window, state.course.losses, state.course.gradient_norms)
    left = replicate(mesh, {"guard": window, "rate_factor": np.float32(experiment.rewind.slow_factor if slow else 1)})
    return _restored(experiment, mesh, checkpoint, state, optimizer=True) | left


def _restored(experiment: Experiment, mesh: Mesh, checkpoint: Path, saved: State, *, optimizer: bool) -> TrainState:
    """The state at a checkpoint; without `optimizer` its moments and the count of accepted steps are fresh.

    Corrupt if the arrays on the devices are not those that were saved.
    """
    make, shapes, placed = _placed(experiment, mesh)
    wanted = jax.tree.map(lambda shape, place: jax.ShapeDtypeStruct(shape.shape, shape.dtype, sharding=place), shapes, placed)
    items = {"base": wanted["parameters"]}
    if optimizer:
        items["optimizer"] = {"moments": wanted["optimizer"], "accepted": wanted["accepted"]}
    restored = restore(checkpoint, **items)
    if wrong := verify(checkpoint, restored, saved):
        raise Corrupt(f"the files of {checkpoint} are whole, but {wrong}")

    found = {"parameters": restored["base"]}
    if optimizer:
        found |= {"optimizer": restored["optimizer"]["moments"], "accepted": restored["optimizer"]["accepted"]}

    def rest() -> TrainState:
        return {name: part for name, part in make().items() if name not in found}

    fresh: TrainState = jax.jit(rest, out_shardings={name: part for name, part in placed.items() if name not in found})()
    return found | fresh
