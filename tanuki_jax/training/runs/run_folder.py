"""Folder of a run: its config, its metrics and its events. Importable without the trainer."""

import datetime
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tanuki_jax.base import json_lines
from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_lines import BadLine, null_as_nan
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.config.serialize import read_json, to_json

BEST_METRIC = "held_out/all"
"""Metric that is lowest in a run's best checkpoint."""


class RunFolder:
    """`runs/NAME`: config.json, mixture.json, metrics.jsonl, events.jsonl, and folders for checkpoints, TensorBoard and
    pictures.

    Only a process with `writes` changes anything. The folder is created with the first event.
    """

    def __init__(self, experiment: Experiment, *, writes: bool) -> None:
        self.path = Path(experiment.runs) / experiment.name
        self.checkpoints = self.path / "checkpoints"
        self._metrics = self.path / "metrics.jsonl"
        self._writes = writes

    def write_config(self, experiment: Experiment, mixture: Mixture) -> list[str]:
        """Write config and mixture; return the names of the experiment's top-level fields that have changed, and
        "mixture" if that has."""
        path = self.path / "config.json"
        before = self.last_config()
        changed = [name for name in vars(experiment) if before and getattr(before, name) != getattr(experiment, name)]
        mixed = self.path / "mixture.json"
        if mixed.is_file() and read_json(mixed, Mixture) != mixture:
            changed.append("mixture")
        if self._writes:
            replace_text(path, to_json(experiment))
            replace_text(mixed, to_json(mixture))
        return changed

    def last_config(self) -> Experiment | None:
        """Return the experiment as the last process of the run had it; None before the first."""
        path = self.path / "config.json"
        return read_json(path, Experiment) if path.exists() else None

    def cut_metrics_after(self, step: int) -> None:
        """Remove the lines of metrics after `step`, and an unfinished last line: those steps will be made again.

        With step 0 nothing is kept: there is no checkpoint, so the held-out loss before the first step will be measured
        again too.
        """
        if self._writes and self._metrics.exists():
            kept = [line for line in read_metrics(self.path) if line["step"] <= step] if step else []
            replace_text(self._metrics, "".join(json_lines.encode(line) + "\n" for line in kept))

    def log_metrics(self, line: dict[str, Any]) -> None:
        """Append a line of metrics; it has a `step`."""
        self._append(self._metrics, line)

    def log_event(self, kind: str, **details: Any) -> None:
        """Append an event with the time. The first event creates the folder."""
        if self._writes:
            self.path.mkdir(parents=True, exist_ok=True)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._append(self.path / "events.jsonl", {"time": now, "event": kind} | details)

    def _append(self, path: Path, line: dict[str, Any]) -> None:
        if self._writes:
            json_lines.append(path, line)

    def sync(self) -> None:
        """Block until all metrics so far are on the disk."""
        if self._writes and self._metrics.exists():
            with self._metrics.open("a") as file:
                os.fsync(file.fileno())


def _lines_of(path: Path, way_out: str) -> Iterator[tuple[int, Any]]:
    """Yield number and value of a file's lines, without an unfinished last one. InputError if another is no JSON."""
    for number, line in json_lines.lines(path):
        if isinstance(line, BadLine):
            raise InputError(f"{path}, line {number}, is not JSON: {line.reason}; {way_out}")
        yield number, line


def read_events(run: Path) -> list[dict[str, Any]]:
    """Return a run's events in order, without an unfinished last line. InputError if another line is not an event."""
    path = run / "events.jsonl"
    events = []
    for number, event in _lines_of(path, "move the file away to go on without it"):
        if not (isinstance(event, dict) and isinstance(event.get("event"), str)):
            raise InputError(f"{path}, line {number}, is not an event: it has no field event")
        events.append(event)
    return events


def read_evaluations(run: Path) -> list[dict[str, Any]]:
    """Return the scores of a checkpoint a line, by step, from `evaluate --follow`. InputError if a line is none."""
    path, way_out = run / "evaluations.jsonl", "delete the line to go on without it"
    lines = []
    for number, line in _lines_of(path, way_out):
        if not (isinstance(line, dict) and isinstance(line.get("step"), int)):
            raise InputError(f"{path}, line {number}, has no field step; {way_out}")
        lines.append(line)
    return sorted(lines, key=lambda line: line["step"])


def read_metrics(run: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a run's metrics.jsonl in order, without an unfinished last one. A number that was not finite,
    null in the file, is NaN. InputError if another line is not of metrics."""
    path, way_out = run / "metrics.jsonl", "delete the line to go on without it"
    for number, line in _lines_of(path, way_out):
        if not (isinstance(line, dict) and isinstance(line.get("step"), int)):
            raise InputError(f"{path}, line {number}, has no field step; {way_out}")
        yield null_as_nan(line)
