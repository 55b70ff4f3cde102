"""What growing a dense model into a mixture of experts gives at equal tokens, beside training on and beginning with a mixture."""

import dataclasses
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from tanuki_jax.base import plots
from tanuki_jax.base.atomic import replace_text
from tanuki_jax.config import registry
from tanuki_jax.lm.optimizers.schedules import learning_rate
from tanuki_jax.planning.bench.suites import machine
from tanuki_jax.training.runs.run_folder import read_metrics
from tanuki_jax.training.setup import flops_per_token

DENSE, MIXTURE = "tiny", "tiny_moe"
BATCH = ("--data.batch-rows", "8", "--layout.accumulation", "4", "--held-out.every-steps", "25")
"""Half of the rows that `tiny` has, so that all of it takes an hour on two cores."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to spend the tokens of both stages."""

    name: str
    config: str
    """Of its second stage."""
    upcycle: tuple[str, ...] = ()
    """Options of `convert upcycle` between the stages; none: it is not grown."""
    fresh: bool = False
    """Whether both stages are one run from fresh weights."""


ARMS = (
    Arm(name="dense, continued", config=DENSE),
    Arm(name="upcycled, noise 0.001", config=MIXTURE, upcycle=("--noise", "0.001")),
    Arm(name="Drop-Upcycled, share 0.5", config=MIXTURE, upcycle=("--initialisation", "drop", "--share", "0.5")),
    Arm(name="mixture from scratch", config=MIXTURE, fresh=True),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One seed of an arm."""

    arm: str
    seed: int
    flops: float
    """Model FLOPs of all its training."""
    tokens: int
    """Tokens behind it at the end, both stages together."""
    first_loss: float
    """In nats, of its first batch after growing, before any update; the same batch for all arms but the mixture from scratch."""
    held_out: tuple[tuple[int, float], ...]
    """Tokens and loss in nats, of what is never trained on."""


class Bench:
    """Runs the commands that a user would type, unless what they make is there already, and keeps them."""

    def __init__(self, work: Path, seeds: int, first: int, second: int) -> None:
        """
        Args:
            work: folder for runs and checkpoints.
            seeds: how often everything is done.
            first: steps of the dense model before it is grown.
            second: steps of every arm after that; the mixture from scratch makes both.
        """
        self._work, self._seeds, self._first, self._second = work / f"{first}-{second}", seeds, first, second
        self.commands: list[str] = []

    def run(self) -> list[Run]:
        """Everything, seed by seed."""
        found = []
        for seed in range(self._seeds):
            base = self._train(
                DENSE, f"base-{seed}", seed, self._first, "--schedule.end-step", str(self._first + self._second)
            )
            found += [self._spend(arm, base, seed) for arm in ARMS]
        return found

    def _spend(self, arm: Arm, base: Path, seed: int) -> Run:
        label = "-".join("".join(letter if letter.isalnum() else " " for letter in arm.name).split())
        if arm.fresh:
            folder, before = self._train(arm.config, f"{label}-{seed}", seed, self._first + self._second), 0
        else:
            start = base
            if arm.upcycle:
                start = self._work / f"{label}-{seed}-start"
                words = [
                    "upcycle",
                    str(start),
                    "--from",
                    str(base),
                    "--to",
                    arm.config,
                    "--seed",
                    str(seed),
                    "--optimizer",
                    "copied",
                ]
                self._command("convert", [*words, *arm.upcycle], done=start.exists())
            # Another seed, so that the second stage reads other rows first.
            told = ("--start.checkpoint", str(start), "--start.load", "parameters_and_optimizer", *self._going_on())
            folder, before = (
                self._train(arm.config, f"{label}-{seed}", 1000 + seed, self._second, *told),
                _tokens(list(read_metrics(base))),
            )
        lines = list(read_metrics(folder))
        after = _tokens(lines)
        return Run(
            arm=arm.name,
            seed=seed,
            flops=before * _flops(DENSE) + after * _flops(arm.config),
            tokens=before + after,
            first_loss=next(line["loss"] for line in lines if "loss" in line),
            held_out=tuple(
                (before + _tokens(lines, line["step"]), line["held_out/all"])
                for line in lines
                if "held_out/all" in line
            ),
        )

    def _going_on(self) -> Sequence[str]:
        """The second stage's learning rate: from where the first one leaves it, in a line to where it would end."""
        schedule = registry.experiment.find(DENSE).schedule
        left = learning_rate(
            dataclasses.replace(schedule, end_step=self._first + self._second), 0, jnp.int32(self._first)
        )
        return ("--schedule.peak", f"{left:.2e}", "--schedule.warmup-steps", "0", "--schedule.shape", "linear")

    def _train(self, config: str, name: str, seed: int, steps: int, *words: str) -> Path:
        told = [
            f"--config={config}",
            "--name",
            name,
            "--runs",
            str(self._work),
            "--seed",
            str(seed),
            "--steps",
            str(steps),
        ]
        told += ["--checkpoints.every-steps", str(steps), *BATCH, *words]
        folder = self._work / name
        self._command("train", told, done=max((line["step"] for line in read_metrics(folder)), default=0) == steps)
        return folder

    def _command(self, door: str, words: Sequence[str], *, done: bool) -> None:
        self.commands.append(" ".join(["python -m", f"tanuki_jax.{door}", *words]))
        if not done:
            subprocess.run([sys.executable, "-m", f"tanuki_jax.{door}", *words], check=True)


def _tokens(lines: Sequence[dict[str, Any]], step: float = float("inf")) -> int:
    """Tokens that a run with these metrics had seen after a step, or has at its end."""
    return max((line["tokens"] for line in lines if "tokens" in line and line["step"] <= step), default=0)


def _flops(config: str) -> int:
    return flops_per_token(registry.experiment.find(config))


def write(path: Path, runs: Sequence[Run], commands: Sequence[str]) -> None:
    """The report, as JSON."""
    report = {**machine(), "commands": list(commands), "runs": [dataclasses.asdict(run) for run in runs]}
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(report, indent=1) + "\n")


def read(path: Path) -> list[Run]:
    """The runs of a report."""
    found = json.loads(path.read_text("utf-8"))["runs"]
    return [Run(**run | {"held_out": tuple((tokens, loss) for tokens, loss in run["held_out"])}) for run in found]


def markdown(runs: Sequence[Run]) -> str:
    """A table of the arms: what they cost, how they began, and where they ended, mean and standard deviation over seeds."""
    lines = [
        "| | tokens | model FLOPs | loss of the first batch after growing | held-out loss at the end |",
        "|---|---|---|---|---|",
    ]
    for arm in ARMS:
        own = [run for run in runs if run.arm == arm.name]
        tokens, flops = statistics.mean(run.tokens for run in own), statistics.mean(run.flops for run in own)
        first = "" if arm.fresh else _spread([run.first_loss for run in own])
        last = _spread([run.held_out[-1][1] for run in own])
        lines.append(f"| {arm.name} | {tokens / 1e6:.2f}M | {flops / 1e12:.1f}T | {first} | {last} |")
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}" if len(values) > 1 else f"{values[0]:.3f}"


@plots.style()
def plot(path: Path, runs: Sequence[Run]) -> None:
    """Held-out loss against tokens since growing: the mean of each arm's seeds, and all between the least and the largest."""
    figure = plots.new_figure(8, 4.5)
    axes = figure.add_subplot()
    grown = min(tokens for run in runs for tokens, _ in run.held_out if run.arm == ARMS[0].name)
    for number, arm in enumerate(ARMS):
        curves = np.array(
            [[point for point in run.held_out if point[0] >= grown] for run in runs if run.arm == arm.name]
        )
        tokens, losses = curves[..., 0].mean(0) / 1e6, curves[..., 1]
        axes.plot(tokens, losses.mean(0), color=f"C{number}", label=arm.name, linewidth=1.6)
        axes.fill_between(tokens, losses.min(0), losses.max(0), color=f"C{number}", alpha=0.2, linewidth=0)
    axes.set(xlabel="million tokens, those before growing included", ylabel="held-out loss, nats a token")
    axes.legend()
    plots.save(figure, path)
