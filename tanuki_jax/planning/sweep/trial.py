"""The process that trains one trial: `python -m tanuki_jax.planning.sweep.trial CONFIG`, started by the executor `local`.

It lives no longer than who started it: when its standard input closes, the run saves a checkpoint and stops.
"""

import os
import signal
import threading
from pathlib import Path

from tanuki_jax.base.command import enter
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.serialize import from_json


def train_trial(config: str, *, distributed: bool) -> None:
    """Trains the experiment of a JSON file, going on from its newest checkpoint."""
    from tanuki_jax.training.job import train

    train(from_json(Path(config).read_text("utf-8"), Experiment, config), distributed=distributed)


def main(words: list[str]) -> None:
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    (config,) = words
    train_trial(config, distributed=False)


def _stop_with_parent() -> None:
    os.read(0, 1)  # not through sys.stdin, whose lock a thread must not hold when Python ends
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    enter("train", main)
