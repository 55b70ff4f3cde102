"""Options of `synthesize`."""

import dataclasses

from tanuki_jax.config.limits import NonNegativeInt
from tanuki_jax.corpus.cleaning.engines.engine_options import EngineOptions


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Run:
    """Options besides those of the engine, which --help shows after them."""

    out: str = ""
    """Folder of the run; empty: synthetic/NAME."""
    output: str = ""
    """File to which all records are written in the end, in the format of its suffix; empty: they stay in the folder.
    With a recipe that needs no teacher there is this file alone, and no folder."""
    dry_run: bool = False
    """Show the prompts of the first item, and how many requests and tokens there will be; nothing is sent."""
    preview: NonNegativeInt = 0
    """Number of items to write, the first ones, on a page with their prompts and answers; the run uses these answers
    later. 0: the whole run."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run(EngineOptions, _Run):
    """Let a teacher model write records by a recipe. Killed and started again, it goes on; no answer is paid twice.

    `synthesize list` lists the finished runs. The teacher is any server with OpenAI's protocol:
    --teacher.urls http://localhost:8000/v1. Records are in
    synthetic/NAME/records, what was dropped and why in synthetic/NAME/dropped, the dataset card in
    synthetic/NAME/README.md.
    """

    workers: NonNegativeInt = 1
    """Number of tasks at once, each with its own requests in flight; 0: one for each core (of the cluster with ray), or
    as many as SLURM starts."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class List:
    """List the finished runs of a folder, and their tokens by teacher, kind and language."""

    folder: str = "synthetic"
    """Folder of the runs."""
