"""Options of the commands whose tasks run on an engine."""

import dataclasses
from pathlib import Path
from typing import Literal

from tanuki_jax.base.cores import usable_cores
from tanuki_jax.config.limits import NonNegativeInt
from tanuki_jax.corpus.cleaning.engines.engine import Engine, Local
from tanuki_jax.corpus.cleaning.engines.slurm import SlurmJobs


@dataclasses.dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Place of the tasks, and their number."""

    workers: NonNegativeInt = 0
    """Number of tasks at once; 0: one for each core (of the cluster with ray), or as many as SLURM starts."""
    engine: Literal["local", "slurm", "ray"] = "local"
    """Place of the tasks: processes of this machine, job arrays of SLURM, or a Ray cluster. On clusters the folder of
    the run must be shared by all nodes. The output is the same."""
    slurm: SlurmJobs = dataclasses.field(default_factory=SlurmJobs)
    """Jobs of the engine slurm."""
    ray: str = "auto"
    """Address of the cluster of the engine ray, as `ray.init` takes it."""

    def make_engine(self, logs: Path) -> Engine:
        """Return the engine; on clusters its jobs write their logs into a folder. InputError if it is not there."""
        match self.engine:
            case "local":
                return Local(self.workers or usable_cores())
            case "slurm":
                from tanuki_jax.corpus.cleaning.engines.slurm import Slurm, require_slurm

                require_slurm()
                return Slurm(self.slurm, self.workers, logs)
            case "ray":
                from tanuki_jax.corpus.cleaning.engines.ray_cluster import RayCluster

                return RayCluster(self.ray, self.workers)
