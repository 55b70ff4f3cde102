"""Charts of ratings over time: Elo in one picture, Glicko-2 with a small picture for each model.

matplotlib is imported when a picture is drawn.
"""

import itertools
from collections.abc import Mapping, Sequence

from tanuki_jax.base.plots import SERIES, new_figure, png, style
from tanuki_jax.evaluation.arena.board_charts import name_in_picture
from tanuki_jax.evaluation.ratings.online_ratings import EloPoint, GlickoPoint

MOST_MODELS = 24
"""Models that a chart over time shows, so that each has a look of its own."""
_MOST_POINTS = 400
_DASHES = ("-", "--", ":")
_COLUMNS = 4


def thinned[Point](points: Sequence[Point], at_most: int = _MOST_POINTS) -> list[Point]:
    """Return points at equal distances in the sequence, the last among them."""
    step = -(-len(points) // at_most)
    return list(points[::-1][::step][::-1])


@style()
def elo_chart(curves: Mapping[str, Sequence[EloPoint]]) -> bytes:
    """Return a PNG of the Elo ratings of at most `MOST_MODELS` models, named in their order."""
    figure = new_figure(8.6, max(4.4, 0.9 + 0.21 * len(curves)))
    axes = figure.subplots()
    looks = itertools.product(_DASHES, SERIES)
    for (name, curve), (dash, colour) in zip(curves.items(), looks, strict=False):
        points = thinned(curve)
        numbers, ratings = [point.battle for point in points], [point.rating for point in points]
        axes.step(numbers, ratings, dash, where="post", color=colour, linewidth=1.4, label=name_in_picture(name))
    axes.set(xlabel="votes", ylabel="Elo rating")
    figure.legend(loc="outside right upper")
    return png(figure)


@style()
def glicko_chart(curves: Mapping[str, Sequence[GlickoPoint]]) -> bytes:
    """Return a PNG of the Glicko-2 ratings of at most `MOST_MODELS` models with their 95% bands, one picture each."""
    rows = -(-len(curves) // _COLUMNS)
    figure = new_figure(8.6, 0.6 + 1.6 * rows)
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel().tolist()
    for axes, (name, curve) in zip(panels, curves.items(), strict=False):
        points = thinned(curve)
        numbers = [point.battle for point in points]
        low, high = [point.state.low for point in points], [point.state.high for point in points]
        axes.fill_between(numbers, low, high, step="post", color=SERIES[0], alpha=0.2, linewidth=0)
        axes.step(numbers, [point.state.rating for point in points], where="post", color=SERIES[0], linewidth=1.2)
        axes.set_title(name_in_picture(name), fontsize=6.5)
        axes.tick_params(labelsize=7)
    for axes in panels[len(curves) :]:
        axes.remove()
    for axes in panels[max(len(curves) - _COLUMNS, 0) : len(curves)]:
        axes.tick_params(labelbottom=True)  # also above a place without a picture
    figure.supxlabel("votes", fontsize=9)
    figure.supylabel("Glicko-2 rating", fontsize=9)
    return png(figure)
