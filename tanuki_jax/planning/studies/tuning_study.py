"""Study of `tiny_sft` and `tiny_dpo`: answers in the requested form, and the choice between two open forms."""

import dataclasses
import itertools
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.checkpoints.format import find
from tanuki_jax.config import registry
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.tasks.instructions import Instructions
from tanuki_jax.corpus.tasks.splits import preference, tasks
from tanuki_jax.inference.assistant import Assistant
from tanuki_jax.inference.engine.job import Sampling
from tanuki_jax.inference.load_model import load_model
from tanuki_jax.planning.bench.suites import machine
from tanuki_jax.planning.studies.study_commands import StudyCommands, execute
from tanuki_jax.training.runs.run_folder import read_metrics

PRETRAINED, SFT, DPO = "tiny", "tiny_sft", "tiny_dpo"
FIRST_PROMPT = 1000
"""Number of the first held-out instruction and pair in use: the authors read earlier ones when they wrote the tasks."""
BATCH = 50
"""Prompts that are answered at once."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """Results of one seed of SFT and DPO, as shares of held-out instructions, pairs and open requests."""

    seed: int
    format: float
    """Instructions that `tiny_sft` answers in exactly the requested form."""
    correct: float
    """Instructions that `tiny_sft` answers in the requested form and with the right items."""
    preferred_before: float
    """Pairs whose chosen answer is the more probable one under `tiny_sft`."""
    rewarded: float
    """Pairs whose chosen answer has the higher reward after `tiny_dpo`."""
    written_before: float
    """Open requests to which `tiny_sft` writes the chosen answer."""
    written: float
    """Open requests to which `tiny_dpo` writes the chosen answer."""
    format_after: float
    """Instructions that `tiny_dpo` answers in exactly the requested form."""


class TuningStudy:
    """Runs the commands of SFT and DPO that a user would type, and evaluates their models."""

    def __init__(
        self, work: Path, seeds: int, prompts: int, execute: Callable[[Sequence[str]], None] = execute
    ) -> None:
        """
        Args:
            work: folder of the runs; complete runs are reused.
            seeds: number of seeds of SFT and DPO.
            prompts: instructions, and as many open requests, that each model answers.
            execute: runs the command `python -m WORDS`.
        """
        self._study, self._seeds, self._prompts = StudyCommands(work, execute), seeds, prompts

    @property
    def commands(self) -> list[str]:
        """All commands so far, reused runs included."""
        return self._study.commands

    def run(self) -> list[Run]:
        """Train and evaluate seed by seed, all from one pretrained model."""
        for config in (PRETRAINED, SFT, DPO):
            self._study.run("prepare", f"--config={config}", done=False)
        base = self._train(PRETRAINED, 0)
        runs = []
        for seed in range(self._seeds):
            sft = self._train(SFT, seed, "--start.checkpoint", str(base))
            dpo = self._train(DPO, seed, "--start.checkpoint", str(sft))
            before, after = (_assistant(folder) for folder in (sft, dpo))
            first, *_, last = [line for line in read_metrics(dpo) if "held_out/all" in line]
            in_form, correct = self._instruction_shares(before)
            run = Run(
                seed=seed,
                format=in_form,
                correct=correct,
                preferred_before=first["held_out/all/logps/accuracies"],
                rewarded=last["held_out/all/rewards/accuracies"],
                written_before=self._chosen_share(before),
                written=self._chosen_share(after),
                format_after=self._instruction_shares(after)[0],
            )
            runs.append(run)
        return runs

    def _train(self, config: str, seed: int, *words: str) -> Path:
        steps = registry.experiment.find(config).steps
        return self._study.train(config, f"{config}-{seed}", seed, steps, *words)

    def _instruction_shares(self, assistant: Assistant) -> tuple[float, float]:
        """Return the shares of held-out instructions answered in the requested form, and answered correctly."""
        family = Instructions()
        instructions = [*itertools.islice(tasks(family.name, "probe"), FIRST_PROMPT, FIRST_PROMPT + self._prompts)]
        answers = _answers(assistant, [task.messages[:-1] for task in instructions])
        pairs = list(zip(instructions, answers, strict=True))
        in_form = [family.check_format(task.problem, answer) for task, answer in pairs]
        correct = [family.check(task.problem, answer) for task, answer in pairs]
        return statistics.fmean(in_form), statistics.fmean(correct)

    def _chosen_share(self, assistant: Assistant) -> float:
        """Return the share of held-out open requests to which the model writes the chosen answer."""
        numbers = range(FIRST_PROMPT, FIRST_PROMPT + self._prompts)
        pairs = [preference(("style",), number, 0, side="probe") for number in numbers]
        answers = _answers(assistant, [pair.prompt for pair in pairs])
        return statistics.fmean(answer == pair.chosen for answer, pair in zip(answers, pairs, strict=True))


def _answers(assistant: Assistant, prompts: Sequence[Sequence[Message]]) -> list[str]:
    return [answer.text for answer in assistant.answers(prompts)]


def _assistant(run: Path) -> Assistant:
    return Assistant(load_model(find(str(run))), Sampling(tokens=100), rows=BATCH)


def write(path: Path, runs: Sequence[Run], prompts: int, commands: Sequence[str]) -> None:
    """Write the report as JSON."""
    report = {
        **machine(),
        "asked": prompts,
        "commands": list(commands),
        "runs": [dataclasses.asdict(run) for run in runs],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(report, indent=1) + "\n")


def read(path: Path) -> list[Run]:
    """Return the runs of a report."""
    return [Run(**run) for run in json.loads(path.read_text(encoding="utf-8"))["runs"]]


def markdown(runs: Sequence[Run]) -> str:
    """Return a table in Markdown with a row for each seed."""
    columns = (
        "seed",
        "exact form",
        "right items too",
        "chosen preferred, before",
        "chosen rewarded, after",
        "chosen written, before",
        "after",
        "exact form after DPO",
    )
    lines = [f"| {' | '.join(columns)} |", f"| {' | '.join('---' for _ in columns)} |"]
    for run in runs:
        seed, *shares = dataclasses.astuple(run)
        lines.append(f"| {seed} | {' | '.join(f'{share:.1%}' for share in shares)} |")
    return "\n".join(lines) + "\n"
