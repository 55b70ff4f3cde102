"""Going back after a spike: edits of the run's folder, from which the run goes on without the data of the spike."""

import dataclasses
from pathlib import Path

from tanuki_jax.base import json_lines
from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError, Unstable
from tanuki_jax.checkpoints.format import State, damage, discard_after, read_state, rewrite, step_folder, steps
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.training.distributed import agree
from tanuki_jax.training.loss_history import Spike, read_history, with_history
from tanuki_jax.training.runs.run_folder import RunFolder, read_metrics


def go_back(experiment: Experiment, run: RunFolder, progress: State, spike: Spike) -> State:
    """Make the newest good checkpoint from before the spike the newest of all, and leave out the data of the spike from
    there on.

    All processes must call it.

    Args:
        experiment: of the run.
        run: its folder, which the first process edits. `spikes/NNN.json` keeps the spike and the metrics that are cut.
        progress: of the run when it met the spike: data steps skipped, and spikes so far.
        spike: without its `checkpoint`.

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
        before, earlier = _newest_before(run, spike), read_history(progress).spikes
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
        after = with_history(dataclasses.replace(before, skipped=skipped), history)
        rewrite(step_folder(run.checkpoints, before.step), after)
        details = {name: getattr(located, name) for name in ("first", "last", "checkpoint", "reason")}
        run.log_event("rewound", spike=number, skipped=[spike.data_steps[0], spike.data_steps[-1]], **details)
        return str(step_folder(run.checkpoints, before.step))

    return read_state(Path(agree(edit)))


def _newest_before(run: RunFolder, spike: Spike) -> State:
    for step in reversed(steps(run.checkpoints)):
        if step < spike.first and not damage(step_folder(run.checkpoints, step)):
            return read_state(step_folder(run.checkpoints, step))
    raise InputError(
        f"{spike.reason}, and {run.path} has no good checkpoint from before step {spike.first} to go back to"
    )


def _write_spike(run: RunFolder, spike: Spike, number: int) -> None:
    """Write a spike to `spikes/NNN.json`, with the metrics that the run loses when it goes back."""
    cut = [line for line in read_metrics(run.path) if line["step"] > spike.checkpoint]
    folder = run.path / "spikes"
    folder.mkdir(exist_ok=True)
    replace_text(folder / f"{number:03}.json", json_lines.encode(dataclasses.asdict(spike) | {"metrics": cut}) + "\n")
