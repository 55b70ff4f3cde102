"""Options of `evaluate`."""

import dataclasses

from tanuki_jax.config.limits import PositiveInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """Ask a model the questions of benchmarks, and score its answers. Killed and started again, it goes on.

    The model is any server with OpenAI's protocol (--endpoint http://localhost:8000/v1), or a checkpoint, which is
    then served meanwhile (--checkpoint runs/tiny_dpo). Every answer and score is in OUT/results.json, which
    `evaluate report` makes pages of. `evaluate report`, `evaluate follow`, `evaluate weak` and `evaluate export` answer
    --help.
    """

    endpoint: tuple[str, ...] = ()
    """Addresses of servers of the model."""
    checkpoint: str = ""
    """Run, checkpoint or folder of Hugging Face to serve and evaluate, instead of --endpoint."""
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
