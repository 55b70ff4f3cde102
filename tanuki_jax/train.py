"""Train a model: pretraining, SFT, adapters or preferences, as the config says; resumes by itself.

python -m tanuki_jax.train --config=tiny
python -m tanuki_jax.train --config=8b --layout.fsdp 8 --steps 1000
python -m tanuki_jax.train --config=8b_dpo_lora --start.checkpoint=runs/8b_sft
python -m tanuki_jax.train --config=my.py:ablation --print-config
"""

import dataclasses
import signal

from tanuki_jax.base.command import enter
from tanuki_jax.config.command_line import parse
from tanuki_jax.config.limits import NonNegativeInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Train a model as an experiment says, into runs/NAME; a run that was stopped resumes."""

    distributed: bool = False
    """Join the other processes of this job (SLURM, Kubernetes, TPU pod, Open MPI, or JAX_COORDINATOR_ADDRESS)."""
    profile: NonNegativeInt = 0
    """Number of steps to trace, from this process's third on; XProf opens runs/NAME/profile."""


def main(words: list[str]) -> None:
    experiment, options = parse("train", words, Options)
    from tanuki_jax.training.job import train  # after the words are understood: importing jax takes seconds

    train(experiment, distributed=options.distributed, profile=options.profile)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # outside the training loop there is nothing to save
    enter("train", main)
