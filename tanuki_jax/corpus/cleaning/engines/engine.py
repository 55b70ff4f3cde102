"""The protocol of an engine, and the engine of this machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tanuki_jax.corpus.cleaning.engines.processes import run_in_processes
from tanuki_jax.corpus.cleaning.engines.stage import Stage


class Engine(Protocol):
    """Runs tasks somewhere."""

    def run(self, stage: Stage, tasks: Sequence[int], each_look: Callable[[], None]) -> None:
        """Do tasks of a stage and return when they have ended; call `each_look` now and then in between.

        Tasks that a machine lost are the caller's to find: their output is missing.
        """
        ...


@dataclass(frozen=True)
class Local:
    """Processes of this machine."""

    workers: int

    def run(self, stage: Stage, tasks: Sequence[int], each_look: Callable[[], None]) -> None:
        """Do the tasks in processes."""
        run_in_processes(stage, tasks, self.workers, each_look=each_look)
