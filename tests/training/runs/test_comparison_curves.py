"""Picture of the losses of several runs."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from tanuki_jax.base import plots
from tanuki_jax.training.runs import comparison_curves
from tanuki_jax.training.runs.recorded_run import read_run
from tests.training.runs.test_recorded_run import TINY, write_run


def lines(steps: int, level: float, sources: str = "a", tokens: int = 100) -> list[dict[str, Any]]:
    """Return lines of a run whose loss falls from 9 to `level`."""
    found: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        found.append({"step": step, "loss": level + 9 * math.exp(-step), "tokens": tokens * step})
        if step % 10 == 0:
            evaluated = {f"held_out/{source}": level for source in sources}
            found.append({"step": step, **evaluated, "held_out/all": level})
    return found


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Return the list of figures that are saved from now on."""
    saved: list[Figure] = []
    monkeypatch.setattr(plots, "save", lambda figure, path: saved.append(figure))
    return saved


def test_each_loss_has_a_panel_with_a_line_for_each_run(tmp_path: Path, figures: list[Figure]) -> None:
    runs = [read_run(write_run(tmp_path / name, lines(40, level, "ab"))) for name, level in (("x", 2.0), ("y", 3.0))]
    comparison_curves.draw(runs, tmp_path / "out.png")
    (figure,) = figures
    panels = figure.axes
    assert [panel.get_title(loc="left") for panel in panels] == [
        "training, smoothed", "held out: a", "held out: b", "held out: all",
    ]  # fmt: skip
    assert [len(panel.get_lines()) for panel in panels] == [2, 2, 2, 2]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["x", "y"]
    bottom, top = panels[0].get_ylim()
    assert bottom < 2 and 3 < top < 6  # the fall from 9 at the beginning is outside
    second = np.asarray(panels[1].get_lines()[1].get_xydata())
    np.testing.assert_array_equal(second, [[10, 3], [20, 3], [30, 3], [40, 3]])


def test_steps_of_different_sizes_are_compared_by_tokens(tmp_path: Path, figures: list[Figure]) -> None:
    larger = dataclasses.replace(TINY.data, batch_rows=32)
    one = read_run(write_run(tmp_path / "one", lines(40, 2.0)))
    two = read_run(write_run(tmp_path / "two", lines(20, 2.0, tokens=200), data=larger))
    comparison_curves.draw([one, two], tmp_path / "out.png")
    held_out = figures[0].axes[1]
    assert held_out.get_xlabel() == "tokens"
    xs = [np.asarray(line.get_xdata()).tolist() for line in held_out.get_lines()]
    assert xs == [[1000, 2000, 3000, 4000], [2000, 4000]]
    comparison_curves.draw([one], tmp_path / "out.png")
    assert figures[1].axes[1].get_xlabel() == "step"


def test_of_many_sources_only_all_together_are_drawn(tmp_path: Path, figures: list[Figure]) -> None:
    comparison_curves.draw([read_run(write_run(tmp_path / "x", lines(20, 2.0, "abcdef")))], tmp_path / "out.png")
    assert [panel.get_title(loc="left") for panel in figures[0].axes] == ["training, smoothed", "held out: all"]


@pytest.mark.parametrize("count", [1, 3, 20])
def test_runs_of_every_kind_have_a_picture(tmp_path: Path, count: int) -> None:
    folders = [write_run(tmp_path / f"run {number}", lines(5 * number, 2.0)) for number in range(count)]
    comparison_curves.draw([read_run(folder) for folder in folders], tmp_path / "folder" / "out.png")
    height, width, _ = imread(tmp_path / "folder" / "out.png").shape
    assert 300 < height < 1500 and 600 < width < 2500
