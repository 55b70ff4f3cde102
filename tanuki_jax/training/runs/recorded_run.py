"""A run as its folder records it, whether it has ended, is being trained, or was trained by another version."""

import contextlib
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_object import read_object
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.config.serialize import read_json, to_json
from tanuki_jax.training.runs.run_folder import read_evaluations, read_events, read_metrics

LARGEST = 1e30
"""Values that are not below this, such as losses of a run that diverged, are left out."""


@dataclasses.dataclass(frozen=True)
class RecordedRun:
    """Config, mixture and metrics of a run, as far as they exist."""

    path: Path
    config: Mapping[str, Any]
    """Fields of `config.json`, with the defaults of those that are younger than the run, or, if this version cannot
    read it, as they stand in the file; empty: there is no file."""
    mixture: Mixture | None
    """Mixture of `mixture.json`; None: there is no file, or none that this version can read."""
    lines: Sequence[Mapping[str, Any]]
    """Lines of metrics."""
    batch_rows: str = ""
    """Numbers of rows in its batches, and the steps at which they changed; empty: they never did."""
    evaluations: Sequence[Mapping[str, Any]] = ()
    """Scores of its checkpoints, from `evaluate --follow`, by step."""

    def curve(self, metric: str) -> list[tuple[int, float]]:
        """Return step and value of a metric in the lines that have it, without the losses of rejected steps."""
        lines = [line for line in (*self.lines, *self.evaluations) if isinstance(line.get(metric), int | float)]
        return [(line["step"], line[metric]) for line in lines if metric != "loss" or line.get("accepted", True)]

    @property
    def held_out(self) -> list[str]:
        """Return the names of the held-out losses, `held_out/all` last."""
        names = [name for line in self.lines for name in line if name.startswith("held_out/") and name.count("/") == 1]
        return sorted(dict.fromkeys(names), key=lambda name: name == "held_out/all")

    @property
    def scores(self) -> list[str]:
        """Return the names of the scores of its checkpoints, such as evaluations/small/exact_formats/control."""
        names = (name for line in self.evaluations for name in line if name.startswith("evaluations/"))
        return [*dict.fromkeys(names)]

    @property
    def step(self) -> int:
        """Return the last step that has a line."""
        return max((line["step"] for line in self.lines), default=0)

    @property
    def seconds(self) -> float:
        """Return the duration of all steps, without evaluations and saves."""
        total, before = 0.0, 0
        for line in self.lines:
            if "tokens" in line and (speed := line.get("tokens_per_second", 0.0)) > 0:
                total += (line["tokens"] - before) / speed
                before = line["tokens"]
        return total


def read_run(path: Path) -> RecordedRun:
    """Return the run in a folder. InputError if there is none."""
    if not path.is_dir():
        raise InputError(f"there is no run at {path}: no such folder")
    config, metrics = path / "config.json", path / "metrics.jsonl"
    if not config.is_file() and not metrics.is_file():
        raise InputError(f"{path} is not a run folder: it has neither {config.name} nor {metrics.name}")
    mixture = _mixture(path / "mixture.json")
    lines, scores = [*read_metrics(path)], read_evaluations(path)
    return RecordedRun(path, _config(config), mixture, lines, _batch_rows(path), scores)


def _batch_rows(path: Path) -> str:
    changes = [event for event in read_events(path) if event["event"] == "batch_rows_changed"]
    later = [f"{event['now']} after step {event['after']:,}" for event in changes]
    return ", ".join([str(changes[0]["before"]), *later]) if changes else ""


def _config(path: Path) -> dict[str, Any]:
    """Return the fields of an experiment. InputError if the file is no JSON object."""
    if not path.is_file():
        return {}
    with contextlib.suppress(InputError):
        fields: dict[str, Any] = json.loads(to_json(read_json(path, Experiment)))
        return fields
    return read_object(path)


def _mixture(path: Path) -> Mixture | None:
    with contextlib.suppress(InputError, FileNotFoundError):
        return read_json(path, Mixture)
    return None


def labels(runs: Sequence[RecordedRun]) -> list[str]:
    """Return a name for each run: its folder's, or its path where several have one name."""
    names = [run.path.resolve().name for run in runs]
    return [str(run.path) if names.count(name) > 1 else name for name, run in zip(names, runs, strict=True)]


def held_out_names(runs: Sequence[RecordedRun]) -> list[str]:
    """Return the names of the held-out losses of all runs. `held_out/all` is last, and left out beside a single other,
    which it equals."""
    names = dict.fromkeys(name for run in runs for name in run.held_out)
    ordered = sorted(names, key=lambda name: name == "held_out/all")
    return ordered[:-1] if len(ordered) == 2 else ordered


def finite(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return the points whose value is a number that a picture can show."""
    return [(step, value) for step, value in points if abs(value) < LARGEST]
