"""Clean a corpus: pages become text, rules drop or change documents, copies are removed, and a report says so.

python -m tanuki_jax.clean --config=demo
python -m tanuki_jax.clean --config=japanese_web --out /scratch/web --workers 64
"""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tanuki_jax.base.command import enter
from tanuki_jax.config.limits import NonNegativeInt
from tanuki_jax.corpus.cleaning.engines.slurm import SlurmJobs

if TYPE_CHECKING:
    from tanuki_jax.corpus.cleaning.engines.engine import Engine


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Clean the inputs of a pipeline. Killed and started again, it goes on; what did not change is not done again."""

    out: str = ""
    """Folder of the run; empty: corpora/NAME."""
    workers: NonNegativeInt = 0
    """Number of tasks at once; 0: one for each core, or as many as SLURM starts."""
    engine: Literal["local", "slurm", "ray"] = "local"
    """Place of the tasks: processes of this machine, job arrays of SLURM, or a Ray cluster. On clusters the folder of
    the run must be shared by all nodes. The documents are the same."""
    slurm: SlurmJobs = dataclasses.field(default_factory=SlurmJobs)
    """Jobs of the engine slurm."""
    ray: str = "auto"
    """Address of the cluster of the engine ray, as `ray.init` takes it."""


def main(words: list[str]) -> None:
    """Run the command with its arguments."""
    from tanuki_jax.config.command_line import parse_config
    from tanuki_jax.corpus.cleaning.pipelines import PIPELINES

    pipeline, options = parse_config(PIPELINES, "clean", words, Options)
    from rich.console import Console

    from tanuki_jax.corpus.cleaning.report.cleaning_page import write_page
    from tanuki_jax.corpus.cleaning.report.cleaning_table import summary, table
    from tanuki_jax.corpus.cleaning.run_cleaning import clean

    folder = Path(options.out or f"corpora/{pipeline.name}")
    run = clean(pipeline, folder, _engine(options, folder / "logs"))
    write_page(run)
    console = Console(markup=False, highlight=False)
    rows = table(run)
    console.width = max(console.width, console.measure(rows, options=console.options.update(max_width=1_000)).maximum)
    console.print(rows)
    for line in summary(run):
        console.print(line, soft_wrap=True)


def _engine(options: Options, logs: Path) -> "Engine":
    from tanuki_jax.corpus.cleaning.engines.engine import Local
    from tanuki_jax.corpus.cleaning.engines.ray_cluster import RayCluster
    from tanuki_jax.corpus.cleaning.engines.slurm import Slurm, require_slurm

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    match options.engine:
        case "local":
            return Local(options.workers or cores)
        case "slurm":
            require_slurm()
            return Slurm(options.slurm, options.workers, logs)
        case "ray":
            return RayCluster(options.ray, options.workers or cores, logs)


if __name__ == "__main__":
    enter("clean", main)
