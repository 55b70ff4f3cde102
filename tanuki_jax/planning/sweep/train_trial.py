"""Process that trains one trial: `python -m tanuki_jax.planning.sweep.train_trial CONFIG`.

It ends with its parent: when its standard input closes, the run saves a checkpoint and stops.
"""

import os
import signal
import threading
from pathlib import Path

from tanuki_jax.base.command import enter
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.serialize import read_json


def main(words: list[str]) -> None:
    """Train the trial of the given config file until it is complete or the parent ends."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    from tanuki_jax.training.job import train  # after the thread has started: importing jax takes seconds

    (config,) = words
    train(read_json(Path(config), Experiment))


def _stop_with_parent() -> None:
    os.read(0, 1)  # not sys.stdin.read: its lock would still be held by this thread when Python exits
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    enter("train", main)
