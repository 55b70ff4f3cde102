"""Trials that are planned: the step of each is compiled for its target, in a worker process that is reused."""

import os
import threading
from multiprocessing.connection import wait

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.planning.plan.plan_results import Plan
from tanuki_jax.planning.plan.plan_workers import Planner, Worker
from tanuki_jax.planning.sweep.figures import plan_figures
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import ClaimedTrial

POLL_SECONDS = 0.2
"""Time between two checks for a stop."""


def plan_trial(experiment: Experiment, target: str) -> Plan:
    """Plan an experiment in a process that may not have used jax yet."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # the outcome reports what the compiler would warn of
    from tanuki_jax.planning.plan.make_plan import plan_for  # not at the top: only worker processes need jax

    return plan_for(experiment, target)


class PlannedTrials:
    """Executor that plans one trial after another."""

    def __init__(self, target: str, planner: Planner = plan_trial) -> None:
        """
        Args:
            target: target of all trials; empty: each trial has its own.
            planner: makes a plan.
        """
        self._target = target
        self._worker = Worker(planner)

    def run(self, claimed: ClaimedTrial, stop: threading.Event) -> Outcome | None:
        """Plan a trial. Return its outcome, or None if `stop` was set first."""
        experiment = claimed.trial.experiment
        assert isinstance(experiment, Experiment)
        pipe = self._worker.start_plan(experiment, self._target or claimed.trial.target)
        while not wait([pipe], timeout=POLL_SECONDS):
            if stop.is_set():
                return None
        plan, reason = self._worker.result()
        if plan is None:
            return failed(reason)
        figures = plan_figures(plan)
        if not plan.memory.fits:
            return Outcome(verdict="does not fit", figures=figures, reason=plan.memory.verdict)
        return Outcome(verdict="done", figures=figures)

    def close(self) -> None:
        """End the worker process."""
        self._worker.end()
