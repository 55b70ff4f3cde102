"""Planned trials: one after another in a process; a plan that does not fit is a result, an error a failure."""

import os
import signal
import threading
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.sweep import Choice, Sweep
from tanuki_jax.planning.plan.plan_results import Memory, Plan, Term
from tanuki_jax.planning.sweep.outcome import failed
from tanuki_jax.planning.sweep.planned_trials import PlannedTrials
from tanuki_jax.planning.sweep.study import Study
from tanuki_jax.planning.sweep.sweep_settings import SweepSettings

GIB = 2**30
TINY = experiment.find("tiny")
SWEEP = Sweep(
    name="s", objective="tflops", direction="maximize", base=TINY, axes={"seed": Choice(values=(10, 90, 2, 3))}
)


def plan(experiment: Experiment, target: str) -> Plan:
    """Plan a step that needs as many GiB as the seed; 2 is refused, 3 kills the process."""
    if experiment.seed == 2:
        raise InputError("the layout does not fit")
    if experiment.seed == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    memory = Memory(
        parameters=experiment.seed * GIB, optimizer=0, activations=0, temporaries=0, margin=2 * GIB, capacity=80 * GIB
    )
    return Plan(
        experiment=experiment.name,
        target=target,
        devices=8,
        memory=memory,
        model_flops=8 * 10**15,
        issued_flops=12 * 10**15,
        traffic=(),
        terms=(Term(name="products", seconds=2.0, measured=True),),
        seconds=2.0,
        bubble=0.25,
        tokens=4096,
        steps=10,
        peak_flops=1e15,
        compile_seconds=1.0,
    )


@pytest.fixture(scope="module")
def planned() -> PlannedTrials:
    return PlannedTrials("h100:1x8", planner=plan)


def test_trials_have_figures_or_a_reason(planned: PlannedTrials, tmp_path: Path) -> None:
    study, outcomes = Study(SweepSettings(sweep=SWEEP, folder=tmp_path, executor="plan")), []
    while (claimed := study.claim()) is not None:
        outcomes.append(planned.run(claimed, threading.Event()))
    planned.close()
    fits, large, refused, killed = outcomes
    assert fits is not None and large is not None
    assert (fits.verdict, fits.reason) == ("done", "")
    assert fits.figures == {
        "tflops": 500.0,
        "issued_tflops": 562.5,
        "mfu": 0.5,
        "tokens_per_second_per_device": 256.0,
        "step_seconds": 2.0,
        "needed_gib": 12.0,
        "peak_gib": 10.0,
        "free_gib": 68.0,
        "bubble": 0.25,
        "bound": "products",
        "compile_seconds": 1.0,
    }
    assert (large.verdict, large.reason) == ("does not fit", "12.0 GiB too large")
    assert refused == failed("the layout does not fit")
    assert killed is not None
    assert (killed.verdict, "SIGKILL" in killed.reason) == ("failed", True)
