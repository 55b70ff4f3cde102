"""The look of all pictures, and that matplotlib waits until one is drawn."""

import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread

from tanuki_jax.base import plots

IMPORT = "import sys, {module}; sys.exit('matplotlib' in sys.modules)"


@pytest.mark.parametrize(
    "module", ["tanuki_jax.training.job", pytest.param("tanuki_jax.planning.bench.run_all", marks=pytest.mark.long)]
)
def test_matplotlib_is_not_imported_before_a_picture_is_drawn(module: str) -> None:
    assert subprocess.run([sys.executable, "-c", IMPORT.format(module=module)], check=False).returncode == 0


def test_the_style_applies_to_the_block_alone() -> None:
    before = dict(matplotlib.rcParams)
    with plots.style():
        axes = plots.new_figure(4, 3).add_subplot()
        (line,) = axes.plot([1, 2])
    assert not axes.spines["top"].get_visible() and axes.spines["left"].get_visible()
    assert to_hex(line.get_color()) == plots.SERIES[0]
    assert dict(matplotlib.rcParams) == before


def test_a_figure_is_saved_whole_into_a_new_folder(tmp_path: Path) -> None:
    with plots.style():
        figure = plots.new_figure(4, 3)
        figure.add_subplot().plot([1, 2], color="C1")
    path = tmp_path / "pictures" / "line.png"
    plots.save(figure, path)
    assert [file.name for file in path.parent.iterdir()] == ["line.png"]
    assert path.read_bytes() == plots.png(figure)
    pixels = imread(path)
    assert pixels.shape == (360, 480, 4)
    second_colour = np.array([int(plots.SERIES[1][at : at + 2], 16) / 255 for at in (1, 3, 5)])
    assert (np.abs(pixels[..., :3] - second_colour) < 0.01).all(-1).any()  # C1 is ours, also after the block


def test_cells_are_numbered_from_zero_and_not_too_densely() -> None:
    axes = plots.new_figure(4, 3).add_subplot()
    plots.number_cells(axes.xaxis, 10, at_most=4)
    assert axes.get_xticks().tolist() == [0.5, 3.5, 6.5, 9.5]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "3", "6", "9"]


def test_a_colour_bar_of_ratios_is_numbered_at_powers_of_two() -> None:
    figure = plots.new_figure(4, 3)
    axes = figure.add_subplot()
    mesh = axes.pcolormesh([[0.25, 1.0]], cmap=plots.DIVERGING, norm=plots.ratio_scale(4))
    plots.frame_heat_map(axes)
    bar = figure.colorbar(mesh)
    plots.number_ratios(bar, 4)
    assert bar.get_ticks().tolist() == [0.25, 0.5, 1, 2, 4]
    assert [label.get_text() for label in bar.ax.get_yticklabels()] == ["¼", "½", "1", "2", "4"]
