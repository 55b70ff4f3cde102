"""The figures that sweeps compare are names of what a plan or a run really gives."""

from tanuki_jax.planning.sweep.figures import OF_PLANS, of_metrics, of_plan
from tests.planning.sweep.test_planned_trials import TINY, plan


def test_a_sweep_may_seek_only_numbers_that_plans_have() -> None:
    found = of_plan(plan(TINY, "h100:1x8"))
    assert {name: type(found[name]) for name in OF_PLANS} == dict.fromkeys(OF_PLANS, float)


def test_of_metrics_the_last_numbers_are_taken() -> None:
    lines: list[dict[str, object]] = [
        {"step": 1, "loss": 3.0, "shares": [1, 2]},
        {"step": 2, "loss": 2.0, "rejected": True},
        {"step": 2, "held_out/all": 2.5},
    ]
    assert of_metrics(lines) == {"step": 2, "loss": 2.0, "held_out/all": 2.5}
    assert of_metrics([]) == {}
