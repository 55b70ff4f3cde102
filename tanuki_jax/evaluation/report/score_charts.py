"""Charts of scores by group: a radar chart of categories, and bars of levels.

matplotlib is imported when a picture is drawn.
"""

import math
from collections.abc import Mapping, Sequence

from tanuki_jax.base.plots import new_figure, png, style


@style()
def radar_chart(categories: Sequence[str], series: Mapping[str, Sequence[float]], highest: float) -> bytes:
    """Return a PNG with one closed line a run over the categories, which are at equal angles, the first at the top.

    Args:
        categories: at least three.
        series: name of a run -> its score in each category; NaN: none, which leaves a gap.
        highest: score at the rim; 0 is in the middle.
    """
    figure = new_figure(7.5, 5.8)
    axes = figure.add_subplot(projection="polar")
    angles = [2 * math.pi * n / len(categories) for n in range(len(categories))]
    axes.set_theta_zero_location("N")  # type: ignore[attr-defined]
    axes.set_theta_direction(-1)  # type: ignore[attr-defined]
    axes.set_ylim(0, highest)
    axes.set_xticks(angles, labels=list(categories))
    for label, angle in zip(axes.get_xticklabels(), angles, strict=True):
        side = math.sin(angle)
        label.set_horizontalalignment("center" if abs(side) < 0.01 else "left" if side > 0 else "right")
    for name, values in series.items():
        (line,) = axes.plot([*angles, angles[0]], [*values, values[0]], marker="o", markersize=4, label=name)
        axes.fill(angles, [0 if math.isnan(value) else value for value in values], color=line.get_color(), alpha=0.08)
    figure.legend(loc="outside lower center", ncols=2)
    return png(figure)


@style()
def level_bars(levels: Sequence[str], series: Mapping[str, Sequence[tuple[float, float, float]]], metric: str) -> bytes:
    """Return a PNG of bars, one a run and level, with their intervals.

    Args:
        levels: names of the levels, in order.
        series: name of a run -> mean, lower and upper end of the interval for each level; NaN: none.
        metric: name of the vertical axis.
    """
    figure = new_figure(8.0, 4.4)
    axes = figure.subplots()
    width = 0.8 / max(len(series), 1)
    for index, (name, values) in enumerate(series.items()):
        centres = [level + (index - (len(series) - 1) / 2) * width for level in range(len(levels))]
        means = [mean for mean, _, _ in values]
        below, above = [mean - low for mean, low, _ in values], [high - mean for mean, _, high in values]
        axes.bar(centres, means, width * 0.9, label=name)
        axes.errorbar(centres, means, yerr=(below, above), fmt="none", ecolor="0.25", elinewidth=1, capsize=2)
    axes.set(xlabel="level", ylabel=metric)
    axes.set_xticks(range(len(levels)), labels=list(levels))
    axes.grid(visible=False, axis="x")
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=3)
    return png(figure)
