"""Plans in several processes: every experiment has an outcome, even if its process dies."""

import dataclasses
import multiprocessing
import os
import signal
from collections.abc import Generator

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.registry import experiment
from tanuki_jax.planning.plan.plan_results import Memory, Plan
from tanuki_jax.planning.plan.plan_workers import Outcome, plan_all

PLAN = Plan(
    experiment="",
    target="",
    devices=8,
    memory=Memory(parameters=1, optimizer=1, activations=1, temporaries=1, margin=1, capacity=8),
    model_flops=1,
    issued_flops=1,
    traffic=(),
    terms=(),
    seconds=1.0,
    bubble=0.0,
    tokens=1,
    steps=1,
    peak_flops=1.0,
    compile_seconds=1.0,
)


def planner(experiment: Experiment, target: str) -> Plan:
    """Fail or die as the experiment's name says."""
    match experiment.name:
        case "refused":
            raise InputError(f"{target} is refused")
        case "broken":
            raise ValueError("it is broken\nin the second line too")
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "leaves":
            os._exit(3)
    return dataclasses.replace(PLAN, experiment=experiment.name, target=target)


def named(*names: str) -> list[Experiment]:
    return [dataclasses.replace(experiment.find("tiny"), name=name) for name in names]


def test_a_failed_plan_has_a_reason_and_the_others_are_made() -> None:
    outcomes = sorted(plan_all(named("killed", "a", "refused", "leaves", "broken", "b"), "cpu:1x8", planner, 2))
    assert [outcome.number for outcome in outcomes] == list(range(6))
    assert {outcome.number: outcome.plan and outcome.plan.experiment for outcome in outcomes} == dict(
        enumerate([None, "a", *3 * [None], "b"])
    )
    assert [outcome.reason for outcome in outcomes] == [
        "the process ended with SIGKILL; it may have run out of memory",
        "",
        "cpu:1x8 is refused",
        "the process ended with exit code 3",
        "ValueError: it is broken",
        "",
    ]


def test_no_process_is_left_when_the_generator_is_closed() -> None:
    before = set(multiprocessing.active_children())
    outcomes: Generator[Outcome] = plan_all(named("a", "b", "c"), "cpu:1x8", planner, 1)
    assert next(outcomes).plan is not None
    outcomes.close()
    assert set(multiprocessing.active_children()) <= before
