"""Results of one suite of `bench all`, saved one by one, so that an interrupted run can be continued."""

from pathlib import Path
from typing import Any

from tanuki_jax.base import json_lines
from tanuki_jax.base.errors import InputError
from tanuki_jax.planning.bench.bench_results import Result, from_json, to_json

type Labels = tuple[str, str, str]
"""Benchmark, case and variant of a measurement."""


class Journal:
    """A file of JSON lines: the machine, every started measurement, every result. Truncated lines are ignored."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _lines(self) -> list[dict[str, Any]]:
        return [line for _, line in json_lines.lines(self.path) if not isinstance(line, json_lines.BadLine)]

    def _add(self, line: dict[str, Any]) -> None:
        json_lines.append(self.path, line, sync=True)

    @property
    def results(self) -> list[Result]:
        """All results; those of older versions, which have no key, are left out and so measured again."""
        return [from_json(line["result"]) for line in self._lines() if "key" in line.get("result", {})]

    @property
    def machine(self) -> dict[str, Any]:
        """The machine and sizes that `open` stored; empty before."""
        return next((line["where"] for line in self._lines() if "where" in line), {})

    @property
    def unfinished(self) -> Labels | None:
        """The measurement that was started last, if it has no result."""
        started = [tuple(line["begun"]) for line in self._lines() if "begun" in line]
        done = {(result.benchmark, result.case, result.variant) for result in self.results}
        return started[-1] if started and started[-1] not in done else None

    def open(self, machine: dict[str, Any]) -> None:
        """Create the file, or check that it was created on the same machine. InputError if not."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.machine:
            self._add({"where": machine})
        elif self.machine != machine:
            different = ", ".join(sorted(name for name in machine if self.machine.get(name) != machine[name]))
            raise InputError(
                f"{self.path} has results of another {different}; delete {self.path.parent} to measure everything again"
            )

    def start(self, labels: Labels) -> None:
        """Save that a measurement starts."""
        self._add({"begun": labels})

    def finish(self, result: Result, seconds: float) -> None:
        """Save a result and the time that it took."""
        self._add({"result": to_json(result), "took": seconds})

    @property
    def longest_seconds(self) -> float:
        """Time of the longest measurement so far, checks and compilation included; 0 before the first."""
        return max((line["took"] for line in self._lines() if "took" in line), default=0.0)
