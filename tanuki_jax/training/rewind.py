"""Going back after a spike: edits of the run's folder, from which the run goes on without the data of the spike."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tanuki_jax.base import json_lines
from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError, Unstable
from tanuki_jax.checkpoints.format import State, damage, discard_after, read_state, rewrite, step_folder, steps
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.data.loader import data_step_of
from tanuki_jax.data.read_positions import Reading
from tanuki_jax.training.distributed import agree
from tanuki_jax.training.loss_history import Spike, read_history, with_history
from tanuki_jax.training.runs.run_folder import RunFolder, read_metrics


class Batches(Protocol):
    """Data of a run, as far as going back asks for it (`tanuki_jax.data.loader.Loader`)."""

    def fingerprint_before(self, data_step: int) -> str: ...
    def reading(self, data_step: int, skipped: Sequence[int]) -> Reading: ...


def go_back(experiment: Experiment, run: RunFolder, progress: State, spike: Spike, batches: Batches) -> State:
    """Make the newest good checkpoint from before the spike the newest of all, and leave out the data of the spike from
    there on.

    All processes must call it.

    Args:
        experiment: of the run.
        run: its folder, which the first process edits. `spikes/NNN.json` keeps the spike and the metrics that are cut.
        progress: of the run when it met the spike: data steps skipped, and spikes so far.
        spike: without its `checkpoint`.
        batches: what the run reads.

    Returns:
        State of the checkpoint from which the run goes on.

    Raises:
        Unstable: the run has used all its rewinds.
        InputError: there is no good checkpoint from before the spike.
    """

    def edit() -> str:
        # The process may be killed after any of these edits. Until `rewrite`, which is atomic, the checkpoint of
        # `before` still has its old state: the run resumes from whatever checkpoint is the newest now, reads the same
        # data, finds the same spike and comes here again, and `spikes/NNN.json` is replaced by the same content.
        # Checkpoints are discarded from the newest to the oldest, so that no later one ever hides a gap. After
        # `rewrite` only the event is left to do, which may then be missing: metrics after the checkpoint are cut
        # whenever a run begins.
        before, earlier = _newest_before(run, spike, progress.reading), read_history(progress).spikes
        number = len(earlier) + 1
        located = dataclasses.replace(spike, checkpoint=before.step)
        _write_spike(run, located, number)
        if number > experiment.rewind.max_rewinds:
            run.log_event("unstable", first=spike.first, last=spike.last, reason=spike.reason)
            raise Unstable(
                f"{spike.reason}, and {run.path} has used all its rewinds (rewind.max_rewinds "
                f"{experiment.rewind.max_rewinds}); `python -m tanuki_jax.explain {run.path} --spike {number}` shows "
                "the cause of the spike"
            )
        skipped = tuple(sorted({*progress.skipped, *spike.data_steps}))
        discard_after(run.checkpoints, before.step)
        history = dataclasses.replace(read_history(before), spikes=(*earlier, located))
        if experiment.rewind.slow_steps:
            history = dataclasses.replace(history, slow_until=before.step + experiment.rewind.slow_steps)
        # The next data step may now lie beyond the begin of a stage, which then belongs to what has been read.
        data_step = data_step_of(before.step, skipped)
        read, data = batches.reading(data_step, skipped), batches.fingerprint_before(data_step)
        after = with_history(dataclasses.replace(before, skipped=skipped, data=data, reading=read), history)
        rewrite(step_folder(run.checkpoints, before.step), after)
        details = {name: getattr(located, name) for name in ("first", "last", "checkpoint", "reason")}
        run.log_event("rewound", spike=number, skipped=[spike.data_steps[0], spike.data_steps[-1]], **details)
        return str(step_folder(run.checkpoints, before.step))

    return read_state(Path(agree(edit)))


def _newest_before(run: RunFolder, spike: Spike, reading: Reading) -> State:
    """Return the state of the newest good checkpoint from before a spike since which batches have had the same size,
    that of the compiled step."""
    changed = reading.batch_rows[-1][0] if reading.batch_rows else 0
    for step in reversed(steps(run.checkpoints)):
        if step < spike.first and not damage(checkpoint := step_folder(run.checkpoints, step)):
            state = read_state(checkpoint)
            if data_step_of(step, state.skipped) >= changed:
                return state
    since = f", and after data step {changed}, from which on batches have other rows," if changed else ""
    raise InputError(
        f"{spike.reason}, and {run.path} has no good checkpoint from before step {spike.first}{since} to go back to"
    )


def _write_spike(run: RunFolder, spike: Spike, number: int) -> None:
    """Write a spike to `spikes/NNN.json`, with the metrics that the run loses when it goes back."""
    cut = [line for line in read_metrics(run.path) if line["step"] > spike.checkpoint]
    folder = run.path / "spikes"
    folder.mkdir(exist_ok=True)
    replace_text(folder / f"{number:03}.json", json_lines.encode(dataclasses.asdict(spike) | {"metrics": cut}) + "\n")
