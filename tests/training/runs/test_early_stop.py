"""Early stopping as a function of the evaluations so far."""

import json
import math
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.early_stop import EarlyStop
from tanuki_jax.training.runs.early_stop import check_metric, evaluations_of, stop_reason

NAN = math.nan


def stops_after(losses: list[float], patience: int = 2, min_delta: float = 0.0) -> int:
    """Return the number of evaluations after which a run stops; 0: it does not."""
    settings = EarlyStop(patience=patience, min_delta=min_delta)
    known = [(10 * number, loss) for number, loss in enumerate(losses)]
    return next((count for count in range(len(known) + 1) if stop_reason(settings, known[:count])), 0)


@pytest.mark.parametrize(
    ("losses", "stop"),
    [
        ([3, 2, 1], 0),
        ([3, 2, 2, 2], 4),
        ([3, 4, 2, 3, 2], 5),
        ([3, 4, 2, 3, 1.9, 2, 2], 7),
        ([3, NAN, NAN, 1], 3),
        ([NAN, NAN], 2),
        ([NAN, 5, math.inf, 4, 4], 0),
    ],
)
def test_a_run_stops_after_evaluations_without_improvement(losses: list[float], stop: int) -> None:
    assert stops_after(losses) == stop
    assert stops_after(losses, patience=0) == 0


def test_an_improvement_is_measured_from_the_best_loss() -> None:
    falling = [3.0, 2.96, 2.92, 2.88, 2.84]
    assert stops_after(falling, patience=2, min_delta=0.1) == 3
    assert stops_after(falling, patience=3, min_delta=0.1) == 0  # 2.88 is .12 below 3
    assert stops_after(falling, patience=3, min_delta=0.2) == 4


def test_the_reason_names_metric_and_best_evaluation() -> None:
    known = [(0, 4.0), (10, 2.5), (20, 2.75), (30, 2.5)]
    assert stop_reason(EarlyStop(patience=2, metric="held_out/code"), known) == (
        "held_out/code did not improve in 2 evaluations, since its 2.5000 of step 10"
    )
    assert stop_reason(EarlyStop(patience=1, min_delta=0.5), known[:3]) == (
        "held_out/all did not improve by 0.5 in 1 evaluation, since its 2.5000 of step 10"
    )
    assert stop_reason(EarlyStop(patience=1), [(0, NAN)]).endswith("in 1 evaluation, and was never a number")


def test_evaluations_are_those_of_the_metrics(tmp_path: Path) -> None:
    lines = [
        {"step": 0, "held_out/a": 5.0, "held_out/all": 4.0},
        {"step": 1, "loss": 4.5},
        {"step": 2, "held_out/a": None},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 3, "held')
    (first, second) = evaluations_of(EarlyStop(patience=1, metric="held_out/a"), tmp_path)
    assert first == (0, 5.0) and second[0] == 2 and math.isnan(second[1])
    assert evaluations_of(EarlyStop(metric="held_out/a"), tmp_path) == []
    lines = [{"step": 1, "held_out/all": 2.0, "held_out/a": 2.0}, {"step": 2, "loss": 1.0}]
    lines += [{"step": n, "held_out/all": 3.0, "held_out/a": 1.0, "held_out/exam": 4.0} for n in (3, 4)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert evaluations_of(EarlyStop(patience=1), tmp_path) == [(3, 3.0), (4, 3.0)]  # a mean over other sources
    assert len(evaluations_of(EarlyStop(patience=1, metric="held_out/a"), tmp_path)) == 3


def test_a_metric_that_no_evaluation_has_is_refused() -> None:
    check_metric(EarlyStop(patience=1), ["a"])
    check_metric(EarlyStop(patience=1, metric="held_out/a"), ["a"])
    check_metric(EarlyStop(metric="held_out/b"), [])
    with pytest.raises(InputError, match=r"is held_out/b, but the evaluations have held_out/a, held_out/all$"):
        check_metric(EarlyStop(patience=1, metric="held_out/b"), ["a"])
    with pytest.raises(InputError, match="is held_out/all, but no source has held-out documents"):
        check_metric(EarlyStop(patience=1), [])
