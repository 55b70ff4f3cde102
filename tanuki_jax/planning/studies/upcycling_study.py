"""Study of growing a dense model into a mixture of experts, against more dense training and a mixture from scratch."""

import dataclasses
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from tanuki_jax.base import plots
from tanuki_jax.base.atomic import replace_text
from tanuki_jax.config import registry
from tanuki_jax.lm.optimizers.schedules import learning_rate
from tanuki_jax.planning.bench.suites import machine
from tanuki_jax.planning.studies.study_commands import StudyCommands, execute
from tanuki_jax.training.runs.run_folder import read_metrics
from tanuki_jax.training.setup import flops_per_token

DENSE, MIXTURE = "tiny", "tiny_moe"
BATCH = ("--data.batch-rows", "8", "--layout.accumulation", "4", "--held-out.every-steps", "25")
"""Half as many rows as `tiny` has, so that the study takes an hour on two cores."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
    """A way to spend the tokens of both stages."""

    name: str
    config: str
    """Config of the second stage."""
    upcycle: tuple[str, ...] = ()
    """Options of `convert upcycle` between the stages; empty: the dense model is trained on."""
    fresh: bool = False
    """Whether both stages are one run from random weights."""


ARMS = (
    Arm(name="dense, continued", config=DENSE),
    Arm(name="upcycled, noise 0.001", config=MIXTURE, upcycle=("--noise", "0.001")),
    Arm(name="Drop-Upcycled, share 0.5", config=MIXTURE, upcycle=("--initialisation", "drop", "--share", "0.5")),
    Arm(name="mixture from scratch", config=MIXTURE, fresh=True),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """Results of one seed of an arm."""

    arm: str
    seed: int
    flops: float
    """Model FLOPs of both stages."""
    tokens: int
    """Tokens of both stages."""
    first_loss: float
    """Loss in nats of the first batch after growing, before any update; all arms but the fresh one share the batch."""
    held_out: tuple[tuple[int, float], ...]
    """Tokens so far and held-out loss in nats, at each evaluation."""


class UpcyclingStudy:
    """Runs the commands that a user would type, and reads the metrics of their runs."""

    def __init__(
        self, work: Path, seeds: int, first: int, second: int, execute: Callable[[Sequence[str]], None] = execute
    ) -> None:
        """
        Args:
            work: folder of runs and checkpoints; complete runs are reused.
            seeds: number of seeds.
            first: steps of the dense model before it is grown.
            second: steps of every arm after that; the mixture from scratch takes both.
            execute: runs the command `python -m WORDS`.
        """
        self._study = StudyCommands(work / f"{first}-{second}", execute)
        self._seeds, self._first, self._second = seeds, first, second

    @property
    def commands(self) -> list[str]:
        """All commands so far, reused runs included."""
        return self._study.commands

    def run(self) -> list[Run]:
        """Train all arms, seed by seed."""
        runs = []
        for seed in range(self._seeds):
            end = ("--schedule.end-step", str(self._first + self._second))
            base = self._train(DENSE, f"base-{seed}", seed, self._first, *end)
            runs += [self._train_arm(arm, base, seed) for arm in ARMS]
        return runs

    def _train_arm(self, arm: Arm, base: Path, seed: int) -> Run:
        label = "-".join("".join(letter if letter.isalnum() else " " for letter in arm.name).split())
        name = f"{label}-{seed}"
        if arm.fresh:
            folder, before = self._train(arm.config, name, seed, self._first + self._second), 0
        else:
            start = self._grow(arm, base, name, seed) if arm.upcycle else base
            options = ("--start.checkpoint", str(start), "--start.load", "parameters_and_optimizer")
            # Another seed, so that the second stage reads other rows first.
            folder = self._train(arm.config, name, 1000 + seed, self._second, *options, *self._second_schedule())
            before = _tokens(list(read_metrics(base)))
        lines = list(read_metrics(folder))
        after = _tokens(lines)
        evaluations = [line for line in lines if "held_out/all" in line]
        return Run(
            arm=arm.name,
            seed=seed,
            flops=before * _flops(DENSE) + after * _flops(arm.config),
            tokens=before + after,
            first_loss=next(line["loss"] for line in lines if "loss" in line),
            held_out=tuple((before + _tokens(lines, line["step"]), line["held_out/all"]) for line in evaluations),
        )

    def _grow(self, arm: Arm, base: Path, name: str, seed: int) -> Path:
        """Convert the dense checkpoint into a mixture. Return the new checkpoint's folder."""
        start = self._study.work / f"{name}-start"
        files = ("upcycle", str(start), "--from", str(base), "--to", arm.config)
        options = ("--seed", str(seed), "--optimizer", "copied", *arm.upcycle)
        self._study.run("convert", *files, *options, done=start.exists())
        return start

    def _second_schedule(self) -> Sequence[str]:
        """Return options that continue the learning rate of the first stage on a straight line to the same end."""
        schedule = registry.experiment.find(DENSE).schedule
        schedule = dataclasses.replace(schedule, end_step=self._first + self._second)
        rate = learning_rate(schedule, 0, jnp.int32(self._first))
        return ("--schedule.peak", f"{rate:.2e}", "--schedule.warmup-steps", "0", "--schedule.shape", "linear")

    def _train(self, config: str, name: str, seed: int, steps: int, *words: str) -> Path:
        stops = ("--steps", str(steps), "--checkpoints.every-steps", str(steps))
        return self._study.train(config, name, seed, steps, *stops, *BATCH, *words)


def _tokens(lines: Sequence[dict[str, Any]], step: float = float("inf")) -> int:
    """Return the tokens that the run of these metrics had read by a step; by default at its end."""
    return max((line["tokens"] for line in lines if "tokens" in line and line["step"] <= step), default=0)


def _flops(config: str) -> int:
    return flops_per_token(registry.experiment.find(config))


def write(path: Path, runs: Sequence[Run], commands: Sequence[str]) -> None:
    """Write the report as JSON."""
    report = {**machine(), "commands": list(commands), "runs": [dataclasses.asdict(run) for run in runs]}
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(report, indent=1) + "\n")


def read(path: Path) -> list[Run]:
    """Return the runs of a report."""
    runs = json.loads(path.read_text("utf-8"))["runs"]
    return [Run(**run | {"held_out": tuple((tokens, loss) for tokens, loss in run["held_out"])}) for run in runs]


def markdown(runs: Sequence[Run]) -> str:
    """Return a table in Markdown: cost, first loss and last loss of each arm, with mean and deviation over seeds."""
    lines = [
        "| | tokens | model FLOPs | loss of the first batch after growing | held-out loss at the end |",
        "|---|---|---|---|---|",
    ]
    for arm in ARMS:
        arm_runs = [run for run in runs if run.arm == arm.name]
        tokens, flops = statistics.mean(run.tokens for run in arm_runs), statistics.mean(run.flops for run in arm_runs)
        first = "" if arm.fresh else _mean_and_deviation([run.first_loss for run in arm_runs])
        last = _mean_and_deviation([run.held_out[-1][1] for run in arm_runs])
        lines.append(f"| {arm.name} | {tokens / 1e6:.2f}M | {flops / 1e12:.1f}T | {first} | {last} |")
    return "\n".join(lines) + "\n"


def _mean_and_deviation(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}" if len(values) > 1 else f"{values[0]:.3f}"


@plots.style()
def plot(path: Path, runs: Sequence[Run]) -> None:
    """Draw held-out loss against tokens since growing: mean over seeds, and the range from lowest to highest."""
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
