"""Figures that sweeps compare, from plans and from metrics."""

from tanuki_jax.planning.sweep.figures import PLAN_FIGURES, metric_figures, plan_figures
from tests.planning.sweep.test_planned_trials import TINY, plan


def test_possible_objectives_are_numbers_of_every_plan() -> None:
    figures = plan_figures(plan(TINY, "h100:1x8"))
    assert {name: type(figures[name]) for name in PLAN_FIGURES} == dict.fromkeys(PLAN_FIGURES, float)


def test_figures_of_a_run_are_the_last_numbers_of_its_metrics() -> None:
    lines: list[dict[str, object]] = [
        {"step": 1, "loss": 3.0, "shares": [1, 2]},
        {"step": 2, "loss": 2.0, "rejected": True},
        {"step": 2, "held_out/all": 2.5},
    ]
    assert metric_figures(lines) == {"step": 2, "loss": 2.0, "held_out/all": 2.5}
    assert metric_figures([]) == {}
