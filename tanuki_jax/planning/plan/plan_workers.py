"""Worker processes that plan several experiments at once; a failure of one plan does not affect the others."""

import multiprocessing
import signal
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.planning.plan.plan_results import Plan

type Planner = Callable[[Experiment, str], Plan]
"""(experiment, target name) -> plan; a module-level function, since it is sent to other processes."""


class Outcome(NamedTuple):
    """The plan of one experiment, or the reason why there is none."""

    number: int
    """Index of the experiment in the sequence."""
    plan: Plan | None
    reason: str
    """Reason why there is no plan; empty if there is one."""


def plan_all(experiments: Sequence[Experiment], target: str, planner: Planner, workers: int) -> Generator[Outcome]:
    """Yield the outcome of each experiment as soon as it is known, in any order.

    A process that dies is replaced, and the outcome of its experiment says how it ended. Closing the generator ends all
    processes.
    """
    waiting = iter(enumerate(experiments))
    pool = [Worker(planner) for _ in range(min(workers, len(experiments)))]
    busy = {
        worker.start_plan(experiment, target): (worker, number)
        for worker, (number, experiment) in zip(pool, waiting, strict=False)
    }
    try:
        while busy:
            for pipe in wait(list(busy)):
                assert isinstance(pipe, Connection)
                worker, number = busy.pop(pipe)
                yield Outcome(number, *worker.result())
                following = next(waiting, None)
                if following is not None:
                    busy[worker.start_plan(following[1], target)] = worker, following[0]
    finally:
        for worker in pool:
            worker.end()


class Worker:
    """A process that makes one plan after another; it is restarted if it dies."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._planner), daemon=True)
        self._process.start()
        theirs.close()

    def start_plan(self, experiment: Experiment, target: str) -> Connection:
        """Send an experiment to the process. Return a pipe to wait for; then `result` does not block."""
        if not self._process.is_alive():
            self._start()
        self._pipe.send((experiment, target))
        return self._pipe

    def result(self) -> tuple[Plan | None, str]:
        """Return the plan, or None and the reason."""
        try:
            plan, reason = self._pipe.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode or 0
            end = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            hint = "; it may have run out of memory" if code == -signal.SIGKILL else ""
            return None, f"the process ended with {end}{hint}"
        return plan, reason

    def end(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()


def _work(pipe: Connection, planner: Planner) -> None:
    """Plan the experiments that arrive through the pipe, until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent process
    while True:
        try:
            experiment, target = pipe.recv()
        except EOFError:
            return
        try:
            plan, reason = planner(experiment, target), ""
        except Exception as error:
            plan, reason = None, _first_line(error)
        pipe.send((plan, reason))


def _first_line(error: Exception) -> str:
    """Return the first line of an error, preceded by its type unless it is an InputError."""
    first = next(iter(str(error).splitlines()), "")
    return first if isinstance(error, InputError) else f"{type(error).__name__}: {first}"
