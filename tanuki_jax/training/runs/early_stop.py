"""Early stopping: the end of a run whose held-out loss no longer improves.

The evaluations so far are read from the run's metrics, which are cut back to the checkpoint when a process begins. So a
run that was killed decides as if it had not been, and another patience judges the whole history anew.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.early_stop import EarlyStop
from tanuki_jax.training.runs.run_folder import BEST_METRIC, read_metrics

type Evaluation = tuple[int, float]
"""Step and loss."""


def check_metric(settings: EarlyStop, sources: Sequence[str]) -> None:
    """Raise InputError if early stopping waits for a metric that no evaluation has, given the sources that have
    held-out documents."""
    metrics = [f"held_out/{source}" for source in (*sources, "all")] if sources else []
    if settings.patience and settings.metric not in metrics:
        known = f"the evaluations have {', '.join(metrics)}" if metrics else "no source has held-out documents"
        raise InputError(f"early_stop.metric is {settings.metric}, but {known}")


def evaluations_of(settings: EarlyStop, run: Path) -> list[Evaluation]:
    """Return the evaluations of a run's metric, oldest first; none where early stopping is off.

    Where sources were added or taken out, the mean over all is another one: earlier evaluations of it do not count.
    """
    lines = [line for line in read_metrics(run) if settings.metric in line] if settings.patience else []
    sources = [frozenset(name for name in line if name.startswith("held_out/")) for line in lines]
    alike = len(lines)
    while alike and (settings.metric != BEST_METRIC or sources[alike - 1] == sources[-1]):
        alike -= 1
    return [(line["step"], line[settings.metric]) for line in lines[alike:]]


def stop_reason(settings: EarlyStop, evaluations: Sequence[Evaluation]) -> str:
    """Return why a run ends after these evaluations, as a clause; empty: it goes on.

    A loss that is not a number is no improvement.
    """
    best_step, best, waited = 0, math.inf, 0
    for step, loss in evaluations:
        if loss < best - settings.min_delta:
            best_step, best, waited = step, loss, 0
        else:
            waited += 1
    if not settings.patience or waited < settings.patience:
        return ""
    least = f" by {settings.min_delta:g}" if settings.min_delta else ""
    since = f"since its {best:.4f} of step {best_step}" if math.isfinite(best) else "and was never a number"
    return f"{settings.metric} did not improve{least} in {waited} evaluation{'s' * (waited > 1)}, {since}"
