"""Options of `evaluate`."""

import dataclasses

import tyro

from tanuki_jax.config.limits import PositiveInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """Ask a model the questions of benchmarks, and score its answers. Killed and started again, it goes on.

    The model is any server with OpenAI's protocol (--endpoint http://localhost:8000/v1), or a checkpoint, which is
    served meanwhile (--checkpoint runs/tiny_dpo), or every checkpoint of a run in training (--follow runs/tiny). Every
    answer and score is in OUT/results.json. `evaluate report` makes pages of results, `evaluate --weak` a plan of what
    to train, and `evaluate export` tasks of lm-eval; each answers --help.
    """

    endpoint: tuple[str, ...] = ()
    """Addresses of servers of the model."""
    checkpoint: str = ""
    """Run, checkpoint or folder of Hugging Face to serve and evaluate."""
    follow: str = ""
    """Run of which every checkpoint is served and evaluated, also those saved meanwhile, until its trainer ends. The
    scores are in RUN/evaluations.jsonl and among the run's curves."""
    model: str = ""
    """Name of the model; empty: the only one that the servers list."""
    key_variable: str = ""
    """Environment variable that holds the API key; empty: the servers want none."""
    concurrency: PositiveInt = 32
    """Most requests in flight at each address."""
    fingerprint: str = ""
    """Text that differs for other weights, for servers that state none: answers are kept under it. Empty: the
    addresses."""
    out: str = ""
    """Folder of the run; empty: evaluations/NAME/MODEL."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weak:
    """Find out what a model answers worst, and write the plan for `synthesize --config=weakness --inputs PLAN`.

    Families, categories and formats whose scores are below those of a reference by more than chance get records, the
    more the further they are below.
    """

    results: tyro.conf.Positional[str]
    """Folder of the model's evaluation, with results.json."""
    reference: str = ""
    """Folder of another model's evaluation with the same items; empty: the highest score that there is."""
    records: PositiveInt = 10_000
    """Number of records of the whole plan."""
    output: str = "weakness.jsonl"
    """File of the plan, JSON lines of kind, name, missing and the scores."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Export:
    """Write the questions of an evaluation as tasks of lm-eval, which then needs nothing of this package."""

    tasks: str
    """New folder of the tasks, for lm-eval's --include_path."""
