"""Tasks as actors of a Ray cluster."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.engines.stage import Stage

_LOOK_SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class RayCluster:
    """A Ray cluster whose nodes share the folder of the run."""

    address: str
    """Address of the cluster, as `ray.init` takes it."""
    workers: int
    """Most tasks that run at once."""
    logs: Path
    """Folder of logs."""
    memory: float = 1.0
    """Memory in GB that Ray reserves for a task."""

    def run(self, stage: Stage, tasks: Sequence[int], each_look: Callable[[], None]) -> None:
        """Do the tasks in actors. Ray starts those of a worker that died again."""
        from datatrove.executor.ray import RayPipelineExecutor

        from tanuki_jax.corpus.cleaning.engines.datatrove_step import StageStep, new_log_folder, quiet

        self._connect()
        folder = new_log_folder(self.logs, stage)
        with _looking(each_look), quiet():
            RayPipelineExecutor(
                pipeline=[StageStep(stage, tasks)],
                tasks=len(tasks),
                workers=self.workers,
                mem_per_cpu_gb=self.memory,
                logging_dir=str(folder),
                skip_completed=False,
            ).run()

    def _connect(self) -> None:
        try:
            import ray
        except ModuleNotFoundError:
            raise InputError("--engine ray needs Ray: pip install 'ray>=2.50'") from None
        if not ray.is_initialized():
            try:
                ray.init(address=self.address, logging_level="ERROR", log_to_driver=False)
            except ConnectionError as error:
                raise InputError(f"there is no Ray cluster at {self.address!r}: {error!s:.200}") from None


@contextlib.contextmanager
def _looking(each_look: Callable[[], None]) -> Iterator[None]:
    """Call a function every second during the block, in another thread."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            each_look()

    thread = threading.Thread(target=look, name="progress of Ray", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
