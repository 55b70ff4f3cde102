"""The commands that a study runs, as a user would type them."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tanuki_jax.training.runs.run_folder import read_metrics


def execute(words: Sequence[str]) -> None:
    """Run `python -m WORDS`. CalledProcessError if it fails."""
    subprocess.run([sys.executable, "-m", *words], check=True)


class StudyCommands:
    """Runs the commands of a study unless their results exist, and lists them all in `commands`."""

    def __init__(self, work: Path, execute: Callable[[Sequence[str]], None] = execute) -> None:
        """
        Args:
            work: folder of the runs.
            execute: runs the command `python -m WORDS`.
        """
        self.work = work
        self.commands: list[str] = []
        self._execute = execute

    def train(self, config: str, name: str, seed: int, steps: int, *words: str) -> Path:
        """Train a config, unless its run has reached `steps` already. Return the run's folder."""
        folder = self.work / name
        complete = max((line["step"] for line in read_metrics(folder)), default=0) == steps
        options = ["--name", name, "--runs", str(self.work), "--seed", str(seed)]
        self.run("train", f"--config={config}", *options, *words, done=complete)
        return folder

    def run(self, command: str, *words: str, done: bool) -> None:
        """List the command, and run it unless its result exists (`done`)."""
        self.commands.append(" ".join([f"python -m tanuki_jax.{command}", *words]))
        if not done:
            self._execute([f"tanuki_jax.{command}", *words])
