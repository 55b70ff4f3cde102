"""Going back after a spike: the run's folder is edited so that the run, which begins again, goes on without the data of the spike."""

import dataclasses
import json
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError, Unstable
from tanuki_jax.checkpoints.format import State, damage, discard_after, read_state, rewrite, step_folder, steps
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.training.distributed import agree
from tanuki_jax.training.loss_history import Spike, read_history, with_history
from tanuki_jax.training.runs.run_folder import RunFolder, read_metrics


def go_back(experiment: Experiment, run: RunFolder, at: State, spike: Spike) -> State:
    """Makes the newest good checkpoint from before the spike the newest of all, and leaves out the data of the spike from there on.

    A kill at any moment leaves a run that finds the same spike again, or one that has gone back. Called by all processes.

    Args:
        experiment: of the run.
        run: its folder, which the first process edits. `spikes/NNN.json` keeps the spike and the metrics that are cut.
        at: what the run had skipped when it met the spike, and the spikes before.
        spike: without its `checkpoint`.

    Returns:
        Where the run is now.

    Raises:
        Unstable: the run went back as often as it may.
        InputError: there is no good checkpoint from before the spike.
    """

    def edit() -> str:
        back, earlier = _before(run, spike), read_history(at).spikes
        number = len(earlier) + 1
        found = dataclasses.replace(spike, checkpoint=back.step)
        _keep(run, found, number)
        if number > experiment.rewind.max_rewinds:
            raise Unstable(_report(experiment, run, spike, number))
        skipped = tuple(sorted({*at.skipped, *spike.data_steps}))
        discard_after(run.checkpoints, back.step)
        history = dataclasses.replace(read_history(back), spikes=(*earlier, found))
        if experiment.rewind.slow_steps:
            history = dataclasses.replace(history, slow_until=back.step + experiment.rewind.slow_steps)
        after = with_history(dataclasses.replace(back, skipped=skipped), history)
        rewrite(step_folder(run.checkpoints, back.step), after)
        told = {name: getattr(found, name) for name in ("first", "last", "checkpoint", "reason")}
        run.event("rewound", spike=number, skipped=[spike.data_steps[0], spike.data_steps[-1]], **told)
        return str(step_folder(run.checkpoints, back.step))

    return read_state(Path(agree(edit)))


def _before(run: RunFolder, spike: Spike) -> State:
    for step in reversed(steps(run.checkpoints)):
        if step < spike.first and not damage(step_folder(run.checkpoints, step)):
            return read_state(step_folder(run.checkpoints, step))
    raise InputError(
        f"{spike.reason}, and {run.path} has no good checkpoint from before step {spike.first} to go back to"
    )


def _report(experiment: Experiment, run: RunFolder, spike: Spike, number: int) -> str:
    run.event("unstable", first=spike.first, last=spike.last, reason=spike.reason)
    return (
        f"{spike.reason}, and {run.path} has gone back as often as it may (rewind.max_rewinds {experiment.rewind.max_rewinds}); "
        f"`python -m tanuki_jax.explain {run.path} --spike {number}` shows what the spike came from"
    )


def _keep(run: RunFolder, spike: Spike, number: int) -> None:
    cut = [line for line in read_metrics(run.path) if line["step"] > spike.checkpoint]
    folder = run.path / "spikes"
    folder.mkdir(exist_ok=True)
    replace_text(folder / f"{number:03}.json", json.dumps(dataclasses.asdict(spike) | {"metrics": cut}) + "\n")
