"""Tasks of a stage as tasks of a Ray cluster.

They do not go through datatrove's executor: it waits for ever for an actor whose process dies before it has told its
node (datatrove 0.10.1), while Ray itself starts a task again when its worker or node dies.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.engines.processes import run_in_processes
from tanuki_jax.corpus.cleaning.engines.stage import Stage

_LOOK_SECONDS = 1.0
_RETRIES = 5
"""Times that Ray starts a task again whose worker or node died."""


@dataclasses.dataclass(frozen=True)
class RayCluster:
    """A Ray cluster whose nodes share the folder of the run."""

    address: str
    """Address of the cluster, as `ray.init` takes it."""
    workers: int
    """Most tasks that run at once; 0: one for each CPU of the cluster."""
    memory: float = 1.0
    """Memory in GB that Ray reserves for a task."""

    def run(self, stage: Stage, tasks: Sequence[int], each_look: Callable[[], None]) -> None:
        """Do the tasks. The error of one ends the others and is raised here."""
        ray = self._connect()
        reserved = {"num_cpus": 1, "memory": int(self.memory * 1e9)}
        remote = ray.remote(_do).options(name=f"clean: {stage.title}", max_retries=_RETRIES, **reserved)
        shared = ray.put(stage)
        most = self.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting, running = list(reversed(tasks)), list[Any]()
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    running.append(remote.remote(shared, waiting.pop()))
                ended, running = ray.wait(running, timeout=_LOOK_SECONDS)
                for each in ended:
                    _raise_error_of(ray, each)
                each_look()
        finally:
            for each in running:
                ray.cancel(each, force=True)

    def _connect(self) -> Any:
        """Return the module of Ray, connected to the cluster."""
        try:
            import ray
        except ModuleNotFoundError:
            raise InputError("--engine ray needs Ray: pip install 'ray>=2.50'") from None
        if not ray.is_initialized():
            try:
                ray.init(address=self.address, logging_level="ERROR", log_to_driver=False)
            except ConnectionError as error:
                raise InputError(f"there is no Ray cluster at {self.address!r}: {error!s:.200}") from None
        return ray


def _do(stage: Stage, task: int) -> None:
    """Do a task on a node, in a process of its own."""
    if not stage.is_done(task):  # an attempt of the same task on another node may have ended
        run_in_processes(stage, [task], workers=1)


def _raise_error_of(ray: Any, ended: Any) -> None:
    """Raise the error that a task raised. One whose workers died is the caller's to find: its output is missing."""
    try:
        ray.get(ended)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError:
        pass
