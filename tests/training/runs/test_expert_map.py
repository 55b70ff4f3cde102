"""Heat map of a run's experts."""

import json
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from tanuki_jax.training.runs import expert_map


def write(run: Path, lines: list[dict[str, Any]]) -> None:
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def line(step: int, load_le: list[list[float]], entropy: float = 1.0, dropped: float = 0.0) -> dict[str, Any]:
    layers = len(load_le)
    return {
        "step": step,
        "loss": 2.0,
        "expert_load": load_le,
        "router_entropy": [entropy] * layers,
        "expert_dropped": [dropped] * layers,
    }


def test_loads_are_means_of_the_last_tenth_over_the_even_share(tmp_path: Path) -> None:
    early, late = [[0.7, 0.1, 0.1, 0.1]], [[0.25, 0.25, 0.4, 0.1]]
    write(tmp_path, [line(step, early if step <= 18 else late, entropy=np.log(4) / 2) for step in range(1, 21)])
    routers = expert_map._read(tmp_path)
    assert routers is not None
    np.testing.assert_allclose(routers.load_le, [[1, 1, 1.6, 0.4]])
    assert routers.since == 19
    np.testing.assert_allclose(routers.largest_nl[[0, 17, 18], 0], [2.8, 2.8, 1.6])
    np.testing.assert_allclose(routers.entropy_nl, 0.5)


def test_columns_are_means_of_finite_values() -> None:
    values = np.array([[1.0], [3.0], [np.nan], [5.0], [np.nan]])
    np.testing.assert_array_equal(expert_map._means(values, np.array([0, 2, 4])), [[2.0], [5.0], [np.nan]])


@pytest.mark.parametrize(("dropped", "panels"), [(0.0, 3), (0.1, 4)])
def test_dropped_choices_have_a_panel_if_there_are_any(dropped: float, panels: int, tmp_path: Path) -> None:
    write(tmp_path, [line(step, [[0.5, 0.5]] * 3, dropped=dropped) for step in (10, 20)])
    routers = expert_map._read(tmp_path)
    assert routers is not None
    titled = [axes for axes in expert_map._figure("run", routers).axes if axes.get_title(loc="left")]
    assert len(titled) == panels


@pytest.mark.parametrize(("layers", "experts", "lines"), [(1, 2, 1), (64, 64, 3), (2, 8, 1000)])
def test_runs_of_every_size_have_a_picture(layers: int, experts: int, lines: int, tmp_path: Path) -> None:
    write(tmp_path, [line(step, [[1 / experts] * experts] * layers) for step in range(1, lines + 1)])
    expert_map.draw(tmp_path)
    height, width, _ = matplotlib.image.imread(tmp_path / "experts.png").shape
    assert 300 < height < 1500 and 1000 < width < 2500


@pytest.mark.parametrize("lines", [1, 3, 1000])
def test_columns_cover_all_steps_and_are_as_wide_as_each_other(lines: int, tmp_path: Path) -> None:
    write(tmp_path, [line(10 * number, [[0.5, 0.5]]) for number in range(1, lines + 1)])
    routers = expert_map._read(tmp_path)
    assert routers is not None
    (history,) = expert_map._figure("run", routers).axes[1].collections
    assert isinstance(history, QuadMesh)
    edges = np.array(history.get_coordinates())[0, :, 0]
    assert len(edges) == min(lines, expert_map.COLUMNS) + 1 and (edges[0], edges[-1]) == (0, 10 * lines)
    assert np.diff(edges).max() <= np.diff(edges).min() + 10 and np.diff(edges).min() >= 10


def test_a_dense_run_has_no_picture(tmp_path: Path) -> None:
    write(tmp_path, [{"step": 1, "loss": 2.0}])
    expert_map.draw(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]
