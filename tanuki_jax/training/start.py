"""Beginning of a process of a run: at its newest good checkpoint, at another run's weights, or fresh."""

import dataclasses
import functools
import logging
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
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.parallel.sharding import replicate, with_shardings
from tanuki_jax.training import guard
from tanuki_jax.training.distributed import agree
from tanuki_jax.training.loss_history import read_history
from tanuki_jax.training.read_on import Batches, begin_where_stopped, resume_reading
from tanuki_jax.training.runs.run_folder import RunFolder
from tanuki_jax.training.setup import TrainSetup, TrainState, initial_state
from tanuki_jax.training.started_adapter import StartedAdapter, choose_started, load_adapter, shown

_log = logging.getLogger("tanuki_jax.training")
_CHANGEABLE = ("rope_theta", "rope_scaling", "initial_std", "norm_epsilon", "window", "global_every")
"""Fields of a model that a new stage may change, as long as the groups of layers, and so the arrays, stay the same."""


def begin(setup: TrainSetup, run: RunFolder, batches: Batches) -> tuple[TrainState, State]:
    """Return the train state on the mesh, and the checkpoint's state: steps, tokens and skipped data behind it.

    Args:
        setup: the experiment's `start` applies if the run has no good checkpoint of its own.
        run: folder of the run.
        batches: what is read; to resume, the batches before the checkpoint must be those that it was trained on. Gets
            the places where the run begins to read.

    Raises:
        InputError: the data, the model or the optimizer changed since the checkpoint, every checkpoint of the run is
            damaged, or `start` names no checkpoint, or one without all that is to be loaded.
    """
    experiment = setup.experiment
    if (checkpoint := _newest(run)) is not None:
        return _resume(setup, run, checkpoint, batches)
    first = State(
        step=0,
        tokens=0,
        skipped=(),
        model=experiment.model,
        tokenizer=experiment.data.tokenizer.path,
        sequence_length=experiment.data.sequence_length,
        data=batches.fingerprint,
        files={},
        adapters=_adapters(experiment),
        optimizer=type(experiment.optimizer).__name__,
    )
    if experiment.start.checkpoint:
        return _start_from(setup, run, first, batches)
    run.log_event("started", seed=experiment.seed)
    return _completed(setup, None, {}), first


def _resume(setup: TrainSetup, run: RunFolder, checkpoint: Path, batches: Batches) -> tuple[TrainState, State]:
    """Return both states at a checkpoint of the run itself."""
    experiment, state = setup.experiment, read_state(checkpoint)
    if state.step > experiment.steps:
        raise InputError(
            f"{run.path} has trained {state.step} steps, more than steps ({experiment.steps}); name at least as many, "
            "or another run with --name"
        )
    _refuse_other_model(experiment.model, state.model, checkpoint, exact=True)
    _refuse_other_adapter(_adapters(experiment), state.adapters, checkpoint)
    another = f"begin another run with --name and --start.checkpoint={run.path}"
    _refuse_other_optimizer(experiment, state, checkpoint, another)
    state = resume_reading(experiment, run, checkpoint, state, batches)
    run.log_event("resumed", step=state.step, checkpoint=str(checkpoint))
    return resumed(setup, checkpoint, state), state


def _start_from(setup: TrainSetup, run: RunFolder, first: State, batches: Batches) -> tuple[TrainState, State]:
    """Return both states before the first step, with what `start` loads of another run's checkpoint."""
    experiment = setup.experiment
    checkpoint = Path(agree(lambda: str(find(experiment.start.checkpoint))))
    state = read_state(checkpoint)
    _refuse_other_model(experiment.model, state.model, checkpoint, exact=False)
    first = dataclasses.replace(first, ids=state.ids)
    load = experiment.start.load
    if load == "parameters_and_optimizer":
        _refuse_missing_optimizer(checkpoint, state)
        _refuse_other_optimizer(experiment, state, checkpoint, "start with --start.load=parameters")
    if experiment.start.data == "continue":
        first = begin_where_stopped(experiment, run, first, checkpoint, state, batches)
    started = choose_started(checkpoint, state, experiment.lora) if load == "adapter" else None
    base = base_of(checkpoint, state) if started else checkpoint
    changed = _changed(experiment.model, state.model)
    _log_start(run, checkpoint, load, changed, started, base)
    if load == "parameters_and_optimizer":
        loaded = _loaded(setup, checkpoint, state)
        # The schedule counts accepted steps, and begins anew.
        return loaded | {"accepted": jax.numpy.zeros_like(loaded["accepted"])}, first
    params = load_start(experiment, setup.mesh, base)
    if not experiment.lora.rank:
        return _completed(setup, None, {"parameters": params}), first
    fingerprint = state.base_fingerprint if started else weights_fingerprint(state)
    adapts = dataclasses.replace(first, base=str(base), base_fingerprint=fingerprint)
    if started is None:
        return _completed(setup, params, {}), adapts
    adapter = load_adapter(experiment, setup.mesh, checkpoint, state, started.name)
    return _completed(setup, params, {"parameters": adapter}), adapts


def _log_start(
    run: RunFolder,
    checkpoint: Path,
    load: str,
    changed: Mapping[str, tuple[str, str]],
    started: StartedAdapter | None,
    base: Path,
) -> None:
    """Log that a run starts from a checkpoint, with what changes, and say the latter."""
    settings = started.changed if started else {}
    details = {"adapter": started.name, "base": str(base)} if started else {}
    run.log_event("started", checkpoint=str(checkpoint), load=load, changed={**changed, **settings}, **details)
    if jax.process_index() != 0:
        return
    if started:
        _log.info("training the adapter %s of %s further, over the parameters of %s", started.name, checkpoint, base)
    for field, (before, now) in {**changed, **settings}.items():
        higher = ": expect a higher loss at the start" if field in changed or field == "lora.base" else ""
        _log.warning(
            "%s changes from %s, with which %s was trained, to %s, the config's%s",
            field, before, checkpoint, now, higher,
        )  # fmt: skip


def _changed(wanted: Model, saved: Model) -> dict[str, tuple[str, str]]:
    """Return the fields of a model that change what its weights compute: name -> saved and wanted value, in words."""
    values = {field: (getattr(saved, field), getattr(wanted, field)) for field in _CHANGEABLE}
    return {
        f"model.{field}": (shown(before), shown(now))
        for field, (before, now) in values.items()
        if before != now and field != "initial_std"
    }


def _refuse_missing_optimizer(checkpoint: Path, state: State) -> None:
    if state.adapters:
        raise InputError(
            f"the optimizer state of {checkpoint} is of its adapters; start with --start.load=parameters, which "
            "merges them, or with adapter, which trains one further"
        )
    if not (checkpoint / "optimizer").is_dir():
        raise InputError(
            f"the checkpoint {checkpoint} has no optimizer state (it was converted); start with --start.load=parameters"
        )


def _refuse_other_optimizer(experiment: Experiment, state: State, checkpoint: Path, remedy: str) -> None:
    if (ours := type(experiment.optimizer).__name__) != state.optimizer:
        raise InputError(
            f"the checkpoint {checkpoint} has the optimizer state of {state.optimizer}, and the config has {ours}; "
            f"keep `optimizer`, or {remedy}"
        )


def _newest(run: RunFolder) -> Path | None:
    """Return the checkpoint that every process resumes from, if the run has one."""

    def find_newest() -> str:
        found, passed_over = newest_good(run.checkpoints)
        for damaged, wrong in passed_over.items():
            aside = set_aside(damaged, wrong) if found else damaged
            run.log_event("checkpoint_damaged", checkpoint=str(aside), reason=wrong)
        if found is None and passed_over:
            raise InputError(
                f"every checkpoint in {run.checkpoints} is damaged ({run.path}/events.jsonl says how); move it away "
                "to begin anew"
            )
        return str(found or "")

    found = agree(find_newest)
    return Path(found) if found else None


def _refuse_other_model(wanted: Model, saved: Model, checkpoint: Path, *, exact: bool) -> None:
    for field in dataclasses.fields(Model):
        ours, theirs = getattr(wanted, field.name), getattr(saved, field.name)
        if ours != theirs and (exact or field.name not in _CHANGEABLE):
            remedy = ""
            if field.name == "experts" and not theirs:
                remedy = "; `convert upcycle` makes a mixture of experts of it"
            elif field.name == "vocabulary":
                grow = ", or write one with more tokens by `convert add-tokens`" if ours > theirs else ""
                remedy = f"; set --model.vocabulary={theirs}{grow}"
            raise InputError(
                f"the checkpoint {checkpoint} is of another model: its {field.name} is {theirs}, the config's "
                f"{ours}{remedy}"
            )
    if (ours := _layers_by_group(wanted)) != (theirs := _layers_by_group(saved)):
        raise InputError(
            f"the checkpoint {checkpoint} stores its layers in groups of {theirs}, and with model.window "
            f"{wanted.window} and model.global_every {wanted.global_every} they would be groups of {ours}; keep its "
            f"model.window ({saved.window}) and model.global_every ({saved.global_every})"
        )


def _layers_by_group(model: Model) -> str:
    return ", ".join(str(group.layers) for group in model.groups)


def _refuse_other_adapter(wanted: Mapping[str, LoRA], saved: Mapping[str, LoRA], checkpoint: Path) -> None:
    if dict(wanted) != dict(saved):
        had = ", ".join(f"{name} of rank {of.rank}" for name, of in saved.items()) or "no adapter"
        raise InputError(
            f"the checkpoint {checkpoint} has {had}, and `lora` of the config is another; begin another run with --name"
        )


def _adapters(experiment: Experiment) -> dict[str, LoRA]:
    """Return the adapters that the run trains, by name."""
    return {experiment.lora.name: experiment.lora} if experiment.lora.rank else {}


def load_start(experiment: Experiment, mesh: Mesh, checkpoint: Path) -> Params:
    """Return a checkpoint's parameters on the mesh, in the type in which the run trains or freezes them."""
    dtype = experiment.lora.base_dtype if experiment.lora.rank else experiment.layout.parameter_dtype
    return load(checkpoint, dtype, functools.partial(with_shardings, mesh))


def items(experiment: Experiment, state: TrainState) -> dict[str, Any]:
    """Return what a checkpoint holds of a train state, item by item."""
    params = state["parameters"]
    weights = {"adapters": {experiment.lora.name: params}} if experiment.lora.rank else {"base": params}
    return weights | {"optimizer": {"moments": state["optimizer"], "accepted": state["accepted"]}}


def resumed(setup: TrainSetup, checkpoint: Path, state: State) -> TrainState:
    """Return the train state of a run at one of its own checkpoints."""
    experiment, history = setup.experiment, read_history(state)
    slow = state.step < history.slow_until
    losses = history.loss_history
    window = guard.window(experiment.guard.window, losses.losses, losses.gradient_norms)
    rate_factor = np.float32(experiment.rewind.slow_factor if slow else 1)
    return _loaded(setup, checkpoint, state) | replicate(setup.mesh, {"guard": window, "rate_factor": rate_factor})


def _loaded(setup: TrainSetup, checkpoint: Path, saved: State) -> TrainState:
    """Return the state at a checkpoint, with its optimizer. Corrupt if the arrays on the devices are not those that
    were saved."""
    experiment = setup.experiment
    wanted = items(experiment, with_shardings(setup.mesh, experiment.model, setup.state_shapes))
    found = restored(checkpoint, saved, **wanted)
    optimizer = found["optimizer"]
    state = {"optimizer": optimizer["moments"], "accepted": optimizer["accepted"]}
    if not experiment.lora.rank:
        return _completed(setup, None, state | {"parameters": found["base"]})
    base = load_start(experiment, setup.mesh, base_of(checkpoint, saved))
    return _completed(setup, base, state | {"parameters": found["adapters"][experiment.lora.name]})


def _completed(setup: TrainSetup, base: Params | None, existing: TrainState) -> TrainState:
    """Return a train state with some existing parts and fresh others. The arrays of `base`, which an adapter is for,
    are donated."""
    experiment = setup.experiment
    missing = {name: part for name, part in setup.state_shardings.items() if name not in existing}

    def rest(base: Params | None) -> TrainState:
        state = initial_state(experiment, base)
        return {name: state[name] for name in missing}

    fresh: TrainState = jax.jit(rest, donate_argnums=0, out_shardings=missing)(base)
    return existing | fresh
