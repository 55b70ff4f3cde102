"""Positions in the data where a run begins: where it stopped, or where the run whose weights it starts from did."""

import dataclasses
import itertools
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import jax

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.serialize import from_json, to_json
from tanuki_jax.data.loader import data_step_of
from tanuki_jax.data.packing import Settings
from tanuki_jax.data.read_positions import Reading
from tanuki_jax.training.distributed import agree
from tanuki_jax.training.runs.run_folder import RunFolder, read_events

BEGINS = "reads_on"
"""Event of a run that begins where another one stopped; it keeps the positions as long as there is no checkpoint."""
_FIELDS = {
    "sequence_length": "data.sequence_length",
    "window_documents": "data.window_documents",
    "held_out_share": "data.held_out_share",
    "seed": "seed",
}
"""Settings of the packer that a config states -> its field."""
_log = logging.getLogger("tanuki_jax.training")


class Batches(Protocol):
    """Data of a run, as far as a start asks for it (`tanuki_jax.data.loader.Loader`)."""

    @property
    def fingerprint(self) -> str: ...
    @property
    def continued(self) -> Sequence[str]: ...
    def has_made(self, fingerprint: str, data_step: int) -> bool: ...
    def set_reading(self, reading: Reading) -> None: ...


def begin_where_stopped(
    experiment: Experiment, run: RunFolder, first: State, checkpoint: Path, state: State, batches: Batches
) -> State:
    """Let `batches` begin where the run of a checkpoint stopped; return the run's state before the first step.

    Args:
        experiment: the new run's.
        run: folder of the new run.
        first: its state if every source began with its first row.
        checkpoint: the other run's checkpoint.
        state: of that checkpoint.
        batches: of the new run.

    Raises:
        InputError: the checkpoint has no positions, or none in a source of the new run.
    """
    if not state.reading.positions:
        raise InputError(
            f"start.data is continue, but {checkpoint} does not say what has been read, because it was converted or "
            "saved by an earlier version; train its run a step further with this version, or set start.data to anew"
        )
    reading = Reading(begins=state.reading.positions, positions=state.reading.positions)
    batches.set_reading(reading)
    if not batches.continued:
        raise InputError(
            f"start.data is continue, but no source of the mixture is one of those that {checkpoint} has read, "
            f"{', '.join(state.reading.positions)}, from the same store; set start.data to anew"
        )
    run.log_event(BEGINS, checkpoint=str(checkpoint), sources=batches.continued, reading=json.loads(to_json(reading)))
    if jax.process_index() == 0:
        _log.info("%s go on where %s stopped; any other source begins with its first row",
                  ", ".join(batches.continued), checkpoint)  # fmt: skip
        before = min(part.settings.held_out_share for at in state.reading.positions.values() for part in at.read)
        if experiment.data.held_out_share > before:
            _log.warning("data.held_out_share is %g and was %g: held-out losses are also of documents that the run of "
                         "%s has trained on", experiment.data.held_out_share, before, checkpoint)  # fmt: skip
    return dataclasses.replace(first, data=batches.fingerprint, reading=reading)


def resume_reading(experiment: Experiment, run: RunFolder, checkpoint: Path, state: State, batches: Batches) -> State:
    """Let `batches` go on after one of the run's own checkpoints, with other rows in a batch if the config has others;
    return the checkpoint's state with that change.

    InputError if the batches before the checkpoint would be others than those that it was trained on, or if the rows
    change where later data steps are skipped.
    """
    data_step, rows = data_step_of(state.step, state.skipped), experiment.data.batch_rows
    known = state.reading.batch_rows or (
        (0, int(agree(lambda: str((run.last_config() or experiment).data.batch_rows)))),
    )
    reading = dataclasses.replace(state.reading, batch_rows=known).onward(data_step, rows)
    batches.set_reading(reading)
    if not batches.has_made(state.data, data_step):
        raise InputError(
            f"the data changed since {checkpoint} was saved ({_difference(experiment, state)}); undo that, or read on "
            f"in a new run where this one stopped, by the same command with --name={_free_name(run)} "
            f"--start.checkpoint={run.path} --start.data=continue; only data.batch_rows, and stages of the mixture "
            "that have not begun, may change"
        )
    if reading.batch_rows != known:
        _say_change(run, state, known[-1][1], rows)
    return dataclasses.replace(state, reading=reading)


def _say_change(run: RunFolder, state: State, before: int, now: int) -> None:
    """Log that the rows of batches change. InputError if data steps are skipped whose rows would be others."""
    data_step = data_step_of(state.step, state.skipped)
    if ahead := [step for step in state.skipped if step >= data_step]:
        raise InputError(
            f"data.batch_rows changes from {before} to {now} at data step {data_step}, but {run.path} leaves out data "
            f"step {ahead[-1]}, which would then hold other rows; keep {before} until a checkpoint after it"
        )
    run.log_event("batch_rows_changed", after=state.step, data_step=data_step, before=before, now=now)
    if jax.process_index() == 0:
        _log.warning("data.batch_rows changes from %d to %d after step %d", before, now, state.step)


def _difference(experiment: Experiment, state: State) -> str:
    """Return which fields of the config differ from what a checkpoint was trained with, as far as it says so."""
    now = Settings.of(experiment.data, "train", experiment.seed, 0)
    of_run = next(iter(state.reading.positions.values()), None)
    then = of_run.read[-1].settings if of_run else dataclasses.replace(now, sequence_length=state.sequence_length)
    changed = [
        f"{field} is {getattr(now, name)} and was {getattr(then, name)}"
        for name, field in _FIELDS.items()
        if getattr(now, name) != getattr(then, name)
    ]
    return ", ".join(changed) or "stores or mixture, or in an early checkpoint the seed or a field of data"


def _free_name(run: RunFolder) -> str:
    names = (f"{run.path.name}_{number}" for number in itertools.count(2))
    return next(name for name in names if not run.path.with_name(name).exists())


def recorded_reading(run: Path, experiment: Experiment, state: State | None) -> Reading:
    """Return how a run of this experiment reads: as its newest checkpoint has it, or without one as its events do."""
    if state is not None:
        return state.reading.onward(data_step_of(state.step, state.skipped), experiment.data.batch_rows)
    begun = [event for event in read_events(run) if event["event"] == BEGINS]
    if experiment.start.data == "anew" or not begun:
        return Reading()
    return from_json(json.dumps(begun[-1].get("reading")), Reading, f"the event {BEGINS} of {run}")
