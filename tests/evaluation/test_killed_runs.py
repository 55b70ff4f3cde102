"""`evaluate` killed at random moments: the same scores as without, and no answer asked for twice that was there."""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.evaluation.benchmarks.exact_formats import ExactFormats
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tests.rehearsal import Teacher, rehearsing

FILE = Path(__file__)
CONCURRENCY, ITEMS = 4, 150


def slow() -> Evaluation:
    """Return an evaluation of 300 items."""
    return Evaluation(name="slow", benchmarks=(ExactFormats(families=("instructions", "style"), count=ITEMS),))


def command(teacher: Teacher, out: Path) -> list[str]:
    words = ["--endpoint", teacher.url, "--concurrency", str(CONCURRENCY), "--out", str(out)]
    return [sys.executable, "-m", "tanuki_jax.evaluate", f"--config={FILE}:slow", *words]


def benchmarks_of(out: Path) -> Any:
    return json.loads((out / "results.json").read_text("utf-8"))["benchmarks"]


@pytest.mark.parametrize(
    "most_kills", [pytest.param(4, marks=pytest.mark.thorough), pytest.param(20, marks=pytest.mark.long)]
)
def test_kills_change_no_score_and_lose_no_answer(tmp_path: Path, most_kills: int) -> None:
    draw = random.Random(7)
    with rehearsing(tmp_path / "log.jsonl", "--latency", "0.4") as teacher:
        subprocess.run(command(teacher, tmp_path / "whole"), check=True, capture_output=True)
        alone = len(teacher.log_lines())
        kills = 0
        while not (tmp_path / "killed" / "results.json").exists():
            process = subprocess.Popen(command(teacher, tmp_path / "killed"), stderr=subprocess.DEVNULL)
            try:
                process.wait(draw.uniform(0.5, 4.5) if kills < most_kills else None)
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
                process.wait()
        lines = teacher.log_lines()[alone:]
    assert benchmarks_of(tmp_path / "killed") == benchmarks_of(tmp_path / "whole")
    times = Counter(line["id"] for line in lines if line["path"].endswith("completions"))
    starts = kills + 1  # each looks at the endpoint first
    assert sum(times.values()) <= 2 * ITEMS + starts + kills * CONCURRENCY
