"""Tables of a sweep: the best first, failures with their reason, references beside our figures."""

import csv
import io
from dataclasses import replace

import pytest
from rich.console import Console

from tanuki_jax.config.registry import experiment
from tanuki_jax.config.sweep import Sweep, Trial
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import Record
from tanuki_jax.planning.sweep.sweep_report import ordered, to_csv, to_table

TINY = experiment.find("tiny")
LAYOUTS = Sweep(name="layouts", objective="tflops", direction="maximize")


def record(number: int, result: Outcome | None, **reference: float | str) -> Record:
    experiment = replace(
        TINY, seed=number, layout=replace(TINY.layout, save=("qkv",) if number % 2 else (), remat="full")
    )
    return Record(
        number=number,
        trial=Trial(name=f"row {number}", experiment=experiment, target="h100:1x8", reference=reference),
        outcome=result,
    )


def done(tflops: float, gib: float = 10.0) -> Outcome:
    return Outcome(verdict="done", figures={"needed_gib": gib, "tflops": tflops, "bound": "attention"})


RECORDS = [
    record(0, done(300.0), tflops=310, outcome="ran"),
    record(1, failed("it is impossible, they say")),
    record(2, done(400.123), needed_gib=60),
    record(
        3, Outcome(verdict="does not fit", figures={"tflops": 900.0, "needed_gib": 120.0}, reason="40.0 GiB too large")
    ),
    record(4, None),
    Record(number=5, trial=Trial(name="row 5", experiment="no such layout"), outcome=failed("no such layout")),
]


@pytest.mark.parametrize(("direction", "order"), [("maximize", [2, 0, 3, 1, 5]), ("minimize", [0, 2, 3, 1, 5])])
def test_the_best_trials_come_first_and_failed_ones_last(direction: str, order: list[int]) -> None:
    sweep = replace(LAYOUTS, direction=direction)  # type: ignore[arg-type]
    assert [row.number for row in ordered(sweep, RECORDS)] == order


def test_the_csv_has_figures_references_and_the_fields_that_differ() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(LAYOUTS, RECORDS))))
    assert list(rows[0]) == [
        *("trial", "name", "outcome", "reason", "tflops", "needed_gib", "bound"),
        *("reference needed_gib", "reference tflops", "reference outcome", "target", "layout.save", "seed"),
    ]
    best = rows[0]
    assert (best["trial"], best["outcome"], best["tflops"], best["reference needed_gib"], best["seed"]) == (
        "2",
        "done",
        "400.1",
        "60",
        "2",
    )
    assert [row["reason"] for row in rows[2:]] == ["40.0 GiB too large", "it is impossible, they say", "no such layout"]
    assert [row["layout.save"] for row in rows] == ["", "", "qkv", "qkv", ""]
    assert rows[1]["reference outcome"] == "ran"


def test_the_table_has_the_most_important_figures() -> None:
    console = Console(width=200, file=io.StringIO(), markup=False)
    console.print(to_table(LAYOUTS, RECORDS))
    assert isinstance(console.file, io.StringIO)
    lines = [line.split("  ") for line in console.file.getvalue().splitlines() if line.strip().startswith("row")]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert cells[0] == ["row 2", "400.1", "10", "60", "done"]
    assert cells[1] == ["row 0", "300", "10", "310", "ran", "done"]
    assert cells[2][-1] == "does not fit: 40.0 GiB too large"


def test_a_sweep_without_outcomes_has_an_empty_table() -> None:
    assert to_csv(LAYOUTS, []).splitlines() == ["trial,name,outcome,reason,tflops,target"]
    assert to_table(LAYOUTS, []).row_count == 0
