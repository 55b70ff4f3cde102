"""Pictures of a sweep: which are drawn, and their points."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from tanuki_jax.config.sweep import Choice, Range, Sweep
from tanuki_jax.planning.sweep import sweep_pictures
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import Record
from tests.planning.sweep.test_sweep_report import LAYOUTS, TINY, record

PLANNED = [
    record(
        0,
        Outcome(verdict="done", figures={"tflops": 300.0, "needed_gib": 50.0, "free_gib": 30.0}),
        tflops=310,
        needed_gib=60,
    ),
    record(1, Outcome(verdict="does not fit", figures={"tflops": 500.0, "needed_gib": 200.0, "free_gib": -120.0})),
    record(2, failed("no")),
]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """Collect the figures that are saved, by file name."""
    figures: dict[str, Figure] = {}
    save = Figure.savefig

    def keep(figure: Figure, path: Path, **options: str) -> None:
        figures[path.name.split(".")[1]] = figure
        save(figure, path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def points(figure: Figure, marker: str) -> list[tuple[float, float]]:
    lines = [line for line in figure.axes[0].lines if line.get_marker() == marker]
    return [
        (round(float(x), 2), round(float(y), 2))
        for line in lines
        for x, y in np.array([line.get_xdata(), line.get_ydata()]).T
    ]


def test_plans_are_drawn_by_memory_and_speed_with_their_reference(tmp_path: Path, drawn: dict[str, Figure]) -> None:
    files = sweep_pictures.draw(LAYOUTS, PLANNED, tmp_path)
    assert [path.name for path in files] == ["objective.png", "memory.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in files)
    memory = drawn["memory"]
    assert points(memory, "o") == [(50.0, 300.0)]
    # A device has 80 GiB and the picture 120; a larger point is drawn at the edge.
    assert points(memory, "x") == [(118.8, 500.0)]
    assert points(memory, "D") == [(60.0, 310.0)]
    assert points(drawn["objective"], "D") == [(310.0, 0.0)]
    assert [label.get_text() for label in drawn["objective"].axes[0].get_yticklabels()] == ["row 0", "row 1"]


def test_the_objective_is_drawn_against_each_axis(tmp_path: Path, drawn: dict[str, Figure]) -> None:
    axes: dict[str, Choice | Range] = {
        "schedule.peak": Range(low=1e-3, high=1e-2, log=True),
        "seed": Choice(values=(0, 1)),
    }
    sweep = Sweep(name="rates", objective="loss", direction="minimize", base=TINY, axes=axes)
    trial = sweep.at({"schedule.peak": 2e-3, "seed": 1})
    files = sweep_pictures.draw(
        sweep, [Record(number=0, trial=trial, outcome=Outcome(verdict="done", figures={"loss": 2.5}))], tmp_path
    )
    assert [path.name for path in files] == ["objective.png", "axes.png"]
    panels = drawn["axes"].axes
    assert [panel.get_xlabel() for panel in panels] == ["schedule.peak", "seed"]
    assert [panel.get_xscale() for panel in panels] == ["log", "linear"]


def test_failed_trials_are_not_drawn(tmp_path: Path) -> None:
    assert sweep_pictures.draw(LAYOUTS, [replace(PLANNED[2])], tmp_path) == []
    assert list(tmp_path.iterdir()) == []
