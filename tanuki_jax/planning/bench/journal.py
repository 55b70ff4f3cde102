"""The results of one part of `bench all`, a line each, kept as they come, so that a run that ends early goes on from there."""

import json
import os
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.planning.bench.bench_results import Result, from_json, to_json

type Key = tuple[str, str, str]


class Journal:
    """A file of JSON lines: where it was taken, what was begun, what came of it. A line that was cut short does not count."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _lines(self) -> list[dict[str, Any]]:
        lines = []
        for line in self.path.read_text("utf-8").splitlines() if self.path.exists() else ():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
        return lines

    def _add(self, line: dict[str, Any]) -> None:
        """A line of its own, even after one that was cut short."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    @property
    def results(self) -> list[Result]:
        return [from_json(line["result"]) for line in self._lines() if "result" in line]

    @property
    def where(self) -> dict[str, Any]:
        """What `open` was told; empty before."""
        return next((line["where"] for line in self._lines() if "where" in line), {})

    @property
    def hanging(self) -> Key | None:
        """What was begun last, if nothing came of it yet."""
        begun = [tuple(line["begun"]) for line in self._lines() if "begun" in line]
        done = {(result.benchmark, result.case, result.variant) for result in self.results}
        return begun[-1] if begun and begun[-1] not in done else None

    def open(self, where: dict[str, Any]) -> None:
        """Begins the file, or makes sure that it was begun on the same machine. InputError if not."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.where:
            self._add({"where": where})
        elif self.where != where:
            different = ", ".join(sorted(name for name in where if self.where.get(name) != where[name]))
            raise InputError(f"{self.path} was begun with another {different}; delete {self.path.parent} to begin anew")

    def begin(self, key: Key) -> None:
        self._add({"begun": key})

    def finish(self, result: Result, seconds: float) -> None:
        """Keeps a result that took so long to get."""
        self._add({"result": to_json(result), "took": seconds})

    @property
    def longest(self) -> float:
        """Seconds that the longest measurement took so far, checks and compilation included; 0 before the first."""
        return max((line["took"] for line in self._lines() if "took" in line), default=0.0)
