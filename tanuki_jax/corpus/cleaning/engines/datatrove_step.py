"""A stage as a step of datatrove's pipelines, so that its executor runs the tasks on SLURM."""

import contextlib
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep

from tanuki_jax.corpus.cleaning.engines.processes import run_in_processes
from tanuki_jax.corpus.cleaning.engines.stage import Stage


class StageStep(PipelineStep):  # type: ignore[misc]
    """A step that does one task of a stage for each rank."""

    type = "tanuki_jax"

    def __init__(self, stage: Stage, tasks: Sequence[int]) -> None:
        """Make a step.

        Args:
            stage: a stage.
            tasks: task of each rank.
        """
        super().__init__()
        self.name = stage.title
        self._stage, self._tasks = stage, tasks

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """Do the task of a rank, in a process of its own; documents that come in pass through."""
        if not self._stage.is_done(self._tasks[rank]):  # an attempt of the same task on another node may have ended
            run_in_processes(self._stage, [self._tasks[rank]], workers=1)
        yield from data or ()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep datatrove's log off the terminal; it is in the folder of the stage's logs."""
    from datatrove.utils.logging import logger

    with open(os.devnull, "w") as nothing, contextlib.redirect_stderr(nothing):
        logger.remove()
        yield


def new_log_folder(logs: Path, stage: Stage) -> Path:
    """Return a folder for the logs of an attempt of a stage, which does not exist."""
    return (logs / f"{stage.title.replace(' ', '_').replace(',', '')}.{uuid.uuid4().hex[:8]}").absolute()
