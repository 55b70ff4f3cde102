"""Plans of many experiments at once, each made in one of several processes; what goes wrong with one does not touch the others."""

import multiprocessing
import signal
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.planning.plan.plan_results import Plan

type Planner = Callable[[Experiment, str], Plan]
"""Takes an experiment and the name of a target. It is sent to other processes, so it stands at the top of its module."""


class Outcome(NamedTuple):
    """What became of one experiment."""

    place: int
    """Of the experiment in the sequence."""
    plan: Plan | None
    reason: str
    """Why there is no plan; empty where there is one."""


def plan_all(experiments: Sequence[Experiment], target: str, planner: Planner, workers: int) -> Generator[Outcome]:
    """The outcome of each experiment as it becomes known, in no order.

    A process that dies is replaced, and its experiment has its end as the reason. Leaving the iterator ends all processes.
    """
    waiting = iter(enumerate(experiments))
    pool = [Worker(planner) for _ in range(min(workers, len(experiments)))]
    busy = {
        worker.begin(experiment, target): (worker, place)
        for worker, (place, experiment) in zip(pool, waiting, strict=False)
    }
    try:
        while busy:
            for pipe in wait(list(busy)):
                assert isinstance(pipe, Connection)
                worker, place = busy.pop(pipe)
                yield Outcome(place, *worker.result())
                following = next(waiting, None)
                if following is not None:
                    busy[worker.begin(following[1], target)] = worker, following[0]
    finally:
        for worker in pool:
            worker.end()


class Worker:
    """A process that makes one plan after another."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._planner), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, experiment: Experiment, target: str) -> Connection:
        """Hands an experiment over. The pipe can be waited for, then `result` does not block."""
        if not self._process.is_alive():
            self._start()
        self._pipe.send((experiment, target))
        return self._pipe

    def result(self) -> tuple[Plan | None, str]:
        try:
            plan, reason = self._pipe.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode or 0
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return None, f"its process ended with {how}" + (
                ", as when memory runs out" if code == -signal.SIGKILL else ""
            )
        return plan, reason

    def end(self) -> None:
        self._process.terminate()
        self._process.join()


def _work(pipe: Connection, planner: Planner) -> None:
    """What a process does: plans what comes through the pipe until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits for us
    while True:
        try:
            experiment, target = pipe.recv()
        except EOFError:
            return
        try:
            plan, reason = planner(experiment, target), ""
        except Exception as error:
            plan, reason = None, _sentence(error)
        pipe.send((plan, reason))


def _sentence(error: Exception) -> str:
    """The first line of what an error says, after its type where the error is not ours."""
    first = next(iter(str(error).splitlines()), "")
    return first if isinstance(error, InputError) else f"{type(error).__name__}: {first}"
