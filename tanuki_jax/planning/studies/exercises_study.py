"""Study of exercises in tuning: how many of a benchmark's own items, or of similar ones, does a form need?

The makers of Tanuki saw in a first study that thousands of excellent instructions leave a model's score near zero if it
does not obey the form of the answers, and that a few hundred items of the benchmark raise it at once. Here a small
model is tuned on other instructions with 0, 30, 100, ... exercises among them: items of the benchmark itself
(contamination), or other items of the same kind. The benchmark is instructions in exact forms, which the model has not
met before: its strict score counts right items in the right form, the flexible one right items, control the form.
"""

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from tanuki_jax.base import plots
from tanuki_jax.base.atomic import replace_text
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.registry import experiment
from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.records.write import write as write_records
from tanuki_jax.corpus.tasks.splits import conversation, tasks
from tanuki_jax.planning.bench.suites import machine
from tanuki_jax.planning.studies.study_commands import StudyCommands, execute

type Kind = Literal["benchmark", "similar"]

KINDS: tuple[Kind, ...] = ("benchmark", "similar")
FAMILY, OTHERS = "instructions", "style"
"""Family of the benchmark, and of the instructions that every model is tuned on."""
OTHER_COUNT = 4_000
METRICS = ("strict", "flexible", "control")
_SEED = 31


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scored:
    """Scores of a model on the benchmark, as shares of its items."""

    kind: str
    """Kind of the exercises: items of the benchmark, or similar ones."""
    count: int
    """Number of exercises."""
    scores: dict[str, list[float]]
    """Metric -> mean, and the lower and upper end of its 95% interval."""


def exercises(kind: Kind, count: int) -> Iterator[Conversation]:
    """Yield exercises: the first items of the benchmark, or as many others of its kind, none of which it has."""
    if kind == "similar":
        yield from (conversation((FAMILY,), number, _SEED) for number in range(count))
        return
    for task in itertools.islice(tasks(FAMILY, "probe"), count):
        yield Conversation(f"{task.family}/{task.key}", task.messages)


def mixture_with(folder: Path, kind: Kind, count: int) -> Mixture:
    """Return other instructions with exercises among them, each conversation as likely as any other.

    Args:
        folder: folder of the exercises.
        kind: kind of the exercises.
        count: number of exercises.
    """
    others = Source(name="others", tasks=(OTHERS,), documents=OTHER_COUNT, form="chat")
    if not count:
        return Mixture(sources=(others,), stages=(Stage(weights={"others": 1.0}),))
    path = str(folder / f"{kind}-{count}.jsonl")
    added = Source(name="exercises", paths=(path,), form="chat")
    return Mixture(sources=(others, added), stages=(Stage(weights={"others": OTHER_COUNT, "exercises": count}),))


def tuned_with(folder: Path, file: str, kind: Kind, count: int, steps: int) -> Experiment:
    """Return the tuning of `tiny` on a mixture with exercises.

    Args:
        folder: folder of the study.
        file: file with this function's result under the name KIND_COUNT, and its mixture as KIND_COUNT_mixture.
        kind: kind of the exercises.
        count: number of exercises.
        steps: number of steps.
    """
    base = experiment.find("tiny_sft")
    data = dataclasses.replace(
        base.data,
        mixture=f"{file}:{kind}_{count}_mixture",
        stores=str(folder / "stores" / f"{kind}-{count}"),
        held_out_share=0.0,
    )
    return dataclasses.replace(base, name=f"{kind}-{count}", runs=str(folder), data=data, steps=steps)


class ExercisesStudy:
    """Runs the commands that a user would type: prepare, train and evaluate, for each kind and number of exercises."""

    def __init__(
        self,
        work: Path,
        counts: Sequence[int],
        steps: int,
        items: int,
        execute: Callable[[Sequence[str]], None] = execute,
    ) -> None:
        """
        Args:
            work: folder of the runs; complete runs are reused.
            counts: numbers of exercises.
            steps: training steps of each tuning.
            items: number of items of the benchmark.
            execute: runs the command `python -m WORDS`.
        """
        self._study, self._counts = StudyCommands(work, execute), counts
        self._steps, self._items = steps, items

    @property
    def commands(self) -> list[str]:
        """All commands so far, reused runs included."""
        return self._study.commands

    def run(self) -> list[Scored]:
        """Tune and evaluate a model for each kind and number of exercises, all from one pretrained model."""
        self._study.run("prepare", "--config=tiny", done=False)
        base = self._study.train("tiny", "tiny", 0, experiment.find("tiny").steps)
        return [self._scored(base, kind, count) for kind in KINDS for count in self._counts]

    def _scored(self, base: Path, kind: Kind, count: int) -> Scored:
        work, name = self._study.work, f"{kind}-{count}"
        if count:
            work.mkdir(parents=True, exist_ok=True)
            write_records(work / f"{name}.jsonl", exercises(kind, count))
        config = f"{self._write_config(kind, count)}:{kind}_{count}"
        self._study.run("prepare", f"--config={config}", done=False)
        run = self._study.train(config, name, 0, self._steps, "--start.checkpoint", str(base))
        out = work / "evaluations" / name
        only = ("--benchmarks.exact_formats.families", FAMILY, "--benchmarks.exact_formats.count", str(self._items))
        words = ("--config=exact_formats", "--checkpoint", str(run), "--out", str(out), *only)
        self._study.run("evaluate", *words, done=(out / "results.json").exists())
        [found] = json.loads((out / "results.json").read_text("utf-8"))["benchmarks"]
        ends = ("mean", "low", "high")
        scores = {metric: [found["metrics"][metric][end] for end in ends] for metric in METRICS}
        return Scored(kind=kind, count=count, scores=scores)

    def _write_config(self, kind: Kind, count: int) -> Path:
        """Write the file of a condition's config, and return its path."""
        folder = self._study.work.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{kind}_{count}.py"
        lines = [
            f'"""Tuning with {count} exercises ({kind})."""\n\nfrom pathlib import Path\n',
            "from tanuki_jax.planning.studies.exercises_study import mixture_with, tuned_with\n",
            "FOLDER = Path(__file__).parent\n\n",
            f"def {kind}_{count}_mixture():\n    return mixture_with(FOLDER, {kind!r}, {count})\n\n",
            f"def {kind}_{count}():\n    return tuned_with(FOLDER, __file__, {kind!r}, {count}, {self._steps})",
        ]
        replace_text(path, "\n".join(lines) + "\n")
        return path


def write(path: Path, results: Sequence[Scored], commands: Sequence[str]) -> None:
    """Write the report as JSON."""
    found = [dataclasses.asdict(each) for each in results]
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps({**machine(), "commands": list(commands), "results": found}, indent=1) + "\n")


def read(path: Path) -> list[Scored]:
    """Return the results of a report."""
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["results"]
    return [Scored(**row) for row in rows]


def markdown(results: Sequence[Scored]) -> str:
    """Return a table in Markdown with a row for each kind and number of exercises."""
    lines = [f"| exercises | number | {' | '.join(METRICS)} |", "|---|--:|" + "--:|" * len(METRICS)]
    for each in results:
        shares = " | ".join(f"{each.scores[metric][0]:.1%}" for metric in METRICS)
        lines.append(f"| {each.kind} | {each.count:,} | {shares} |")
    return "\n".join(lines) + "\n"


@plots.style()
def plot(path: Path, results: Sequence[Scored]) -> None:
    """Draw the scores over the number of exercises, a panel for each metric, into a PNG file."""
    figure = plots.new_figure(11, 3.6)
    for axes, metric in zip(figure.subplots(1, len(METRICS), sharey=True), METRICS, strict=True):
        for kind in KINDS:
            points = [(each.count, *each.scores[metric]) for each in results if each.kind == kind]
            counts, means, lows, highs = zip(*points, strict=True)
            axes.plot(
                counts, means, marker="o", label="items of the benchmark" if kind == "benchmark" else "similar ones"
            )
            axes.fill_between(counts, lows, highs, alpha=0.15)
        axes.set_xscale("symlog", linthresh=30)
        axes.set_xticks([each.count for each in results if each.kind == KINDS[0]])
        axes.get_xaxis().set_major_formatter("{x:.0f}")
        axes.set(title=metric, xlabel="exercises in tuning", ylim=(0, 1))
    figure.axes[0].set_ylabel("share of the benchmark's items")
    figure.axes[0].legend(loc="upper left")
    plots.save(figure, path)
