"""Where a process of a run begins: at its newest good checkpoint, at another run's weights, or fresh."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh

from tanuki_jax.checkpoints.folder import State, find, newest_good, read_state
from tanuki_jax.checkpoints.restore import restore
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.model import Model
from tanuki_jax.errors import InputError
from tanuki_jax.parallel.sharding import shardings
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
        return _restored(experiment, mesh, checkpoint, optimizer=True, count=True), state
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
    return _restored(experiment, mesh, checkpoint, optimizer=optimizer, count=False), begun


def _newest(run: RunFolder) -> Path | None:
    """The checkpoint that every process goes on from."""

    def find_newest() -> str:
        found, passed_over = newest_good(run.checkpoints)
        for damaged, wrong in passed_over.items():
            run.event("checkpoint_damaged", checkpoint=str(damaged), reason=wrong)
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


def _restored(experiment: Experiment, mesh: Mesh, checkpoint: Path, *, optimizer: bool, count: bool) -> TrainState:
    """The state at a checkpoint; without `optimizer` its moments are fresh, without `count` the schedule begins anew."""
    make, shapes, placed = _placed(experiment, mesh)
    wanted = jax.tree.map(lambda shape, place: jax.ShapeDtypeStruct(shape.shape, shape.dtype, sharding=place), shapes, placed)
    items = {"base": wanted["parameters"]}
    if optimizer:
        items["optimizer"] = {"moments": wanted["optimizer"], "accepted": wanted["accepted"]}
    restored = restore(checkpoint, **items)

    def rest() -> TrainState:
        return {name: part for name, part in make().items() if name != "parameters"}

    if not optimizer:
        fresh = jax.jit(rest, out_shardings={name: part for name, part in placed.items() if name != "parameters"})()
        return {"parameters": restored["base"]} | fresh
    accepted = restored["optimizer"]["accepted"]
    return {
        "parameters": restored["base"],
        "optimizer": restored["optimizer"]["moments"],
        "accepted": accepted if count else jax.numpy.zeros_like(accepted),
    }
