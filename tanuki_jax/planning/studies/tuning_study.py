"""What `tiny_sft` and `tiny_dpo` learn: answers in the form that is asked for, and which of two open forms to take."""

import dataclasses
import itertools
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.checkpoints.format import find
from tanuki_jax.config import registry
from tanuki_jax.corpus.tasks.instructions import Instructions
from tanuki_jax.corpus.tasks.splits import preference, tasks
from tanuki_jax.inference.assistant import Assistant
from tanuki_jax.inference.load_model import load_model
from tanuki_jax.inference.text import Request
from tanuki_jax.planning.bench.suites import machine
from tanuki_jax.training.runs.run_folder import read_metrics

PRETRAINED, SFT, DPO = "tiny", "tiny_sft", "tiny_dpo"
ASKED_FROM = 1000
"""Number of the first held-out instruction and pair that is asked: those before were looked at when the tasks were written."""
TOGETHER = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One seed of both; shares of what is held out."""

    seed: int
    format: float
    """Instructions that `tiny_sft` answers in exactly the form that they ask for."""
    correct: float
    """Of which the items are right too."""
    preferred_before: float
    """Pairs whose chosen answer `tiny_sft` finds the more probable one."""
    rewarded: float
    """Pairs whose chosen answer has the higher reward after `tiny_dpo`."""
    written_before: float
    """Open requests that `tiny_sft` answers with the chosen answer."""
    written: float
    """Open requests that `tiny_dpo` answers so."""
    format_after: float
    """Instructions that `tiny_dpo` answers in exactly the form that they ask for."""


class Bench:
    """Runs the commands that a user would type, unless what they make is there already, and keeps them."""

    def __init__(self, work: Path, seeds: int, asked: int) -> None:
        """
        Args:
            work: folder for runs.
            seeds: how often SFT and DPO are done.
            asked: instructions and requests that each model answers.
        """
        self._work, self._seeds, self._asked = work, seeds, asked
        self.commands: list[str] = []

    def run(self) -> list[Run]:
        """Everything, seed by seed, on one pretrained model."""
        for config in (PRETRAINED, SFT, DPO):
            self._command("prepare", f"--config={config}", done=False)
        base = self._train(PRETRAINED, 0)
        found = []
        for seed in range(self._seeds):
            sft = self._train(SFT, seed, "--start.checkpoint", str(base))
            dpo = self._train(DPO, seed, "--start.checkpoint", str(sft))
            before, after = (_assistant(folder) for folder in (sft, dpo))
            first, *_, last = [line for line in read_metrics(dpo) if "held_out/all" in line]
            form, correct = self._instructed(before)
            run = Run(
                seed=seed,
                format=form,
                correct=correct,
                preferred_before=first["held_out/all/logps/accuracies"],
                rewarded=last["held_out/all/rewards/accuracies"],
                written_before=self._chosen(before),
                written=self._chosen(after),
                format_after=self._instructed(after)[0],
            )
            found.append(run)
        return found

    def _instructed(self, assistant: Assistant) -> tuple[float, float]:
        """Shares of held-out instructions that are answered in the form asked for, and that are answered right."""
        family = Instructions()
        asked = [*itertools.islice(tasks(family.name, "probe"), ASKED_FROM, ASKED_FROM + self._asked)]
        answers = [
            answer
            for part in itertools.batched(asked, TOGETHER)
            for answer in assistant.answers([t.messages[:-1] for t in part])
        ]
        formed = [family.check_format(task.problem, answer) for task, answer in zip(asked, answers, strict=True)]
        right = [family.check(task.problem, answer) for task, answer in zip(asked, answers, strict=True)]
        return statistics.fmean(formed), statistics.fmean(right)

    def _chosen(self, assistant: Assistant) -> float:
        """Share of held-out open requests that are answered with the chosen answer."""
        pairs = [
            preference(("style",), index, 0, side="probe") for index in range(ASKED_FROM, ASKED_FROM + self._asked)
        ]
        answers = [
            answer
            for part in itertools.batched(pairs, TOGETHER)
            for answer in assistant.answers([pair.prompt for pair in part])
        ]
        return statistics.fmean(answer == pair.chosen for answer, pair in zip(answers, pairs, strict=True))

    def _train(self, config: str, seed: int, *words: str) -> Path:
        name = f"{config}-{seed}"
        folder, steps = self._work / name, registry.experiment.find(config).steps
        told = [f"--config={config}", "--name", name, "--runs", str(self._work), "--seed", str(seed), *words]
        done = max((line["step"] for line in read_metrics(folder)), default=0) == steps
        self._command("train", *told, done=done)
        return folder

    def _command(self, door: str, *words: str, done: bool) -> None:
        self.commands.append(" ".join(["python -m", f"tanuki_jax.{door}", *words]))
        if not done:
            subprocess.run([sys.executable, "-m", f"tanuki_jax.{door}", *words], check=True)


def _assistant(run: Path) -> Assistant:
    return Assistant(load_model(find(str(run))), Request(tokens=100))


def write(path: Path, runs: Sequence[Run], asked: int, commands: Sequence[str]) -> None:
    """The report, as JSON."""
    report = {
        **machine(),
        "asked": asked,
        "commands": list(commands),
        "runs": [dataclasses.asdict(run) for run in runs],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(report, indent=1) + "\n")


def read(path: Path) -> list[Run]:
    """The runs of a report."""
    return [Run(**run) for run in json.loads(path.read_text(encoding="utf-8"))["runs"]]


def markdown(runs: Sequence[Run]) -> str:
    """A table, a row a seed."""
    columns = (
        "seed",
        "exact form",
        "right items too",
        "chosen preferred, before",
        "chosen rewarded, after",
        "chosen written, before",
    )
    head = [*columns, "after", "exact form after DPO"]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for run in runs:
        seed, *shares = dataclasses.astuple(run)
        lines.append(f"| {seed} | {' | '.join(f'{share:.1%}' for share in shares)} |")
    return "\n".join(lines) + "\n"
