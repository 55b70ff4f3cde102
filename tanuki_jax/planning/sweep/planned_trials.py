"""Trials that are only planned: the step of each is compiled for its cluster, in a process that stays for the next."""

import os
import threading
from multiprocessing.connection import wait

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.planning.plan.plan_results import Plan
from tanuki_jax.planning.plan.plan_workers import Planner, Worker
from tanuki_jax.planning.sweep import figures
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import Claimed

LOOK = 0.2
"""Seconds between two looks at whether to stop."""


def plan_trial(experiment: Experiment, target: str) -> Plan:
    """The plan of an experiment on a target as it is written, in a process that may have just begun."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # the compiler warns of what the outcome says more plainly
    from tanuki_jax.planning.plan.make_plan import plan_for  # jax is for the processes that plan

    return plan_for(experiment, target)


class Planned:
    """Plans one trial after another."""

    def __init__(self, target: str, planner: Planner = plan_trial) -> None:
        """`target` is the cluster of all trials; empty: each has its own."""
        self._target = target
        self._worker = Worker(planner)

    def run(self, claimed: Claimed, stop: threading.Event) -> Outcome | None:
        """The outcome of a trial, or None if it was stopped before."""
        experiment = claimed.trial.experiment
        assert isinstance(experiment, Experiment)
        pipe = self._worker.start_plan(experiment, self._target or claimed.trial.target)
        while not wait([pipe], timeout=LOOK):
            if stop.is_set():
                return None
        plan, reason = self._worker.result()
        if plan is None:
            return failed(reason)
        found = figures.of_plan(plan)
        if not plan.memory.fits:
            return Outcome(verdict="does not fit", figures=found, reason=plan.memory.verdict)
        return Outcome(verdict="done", figures=found)

    def close(self) -> None:
        """Ends the process."""
        self._worker.end()
