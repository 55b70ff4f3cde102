"""Correlations of two metrics of the joined board, with and without chosen models."""

import dataclasses
import itertools
from collections.abc import Collection, Sequence
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.pages import Row
from tanuki_jax.evaluation.report.joined_board import JoinedBoard, JoinedModel
from tanuki_jax.evaluation.report.report_block import Block, Picture, interval
from tanuki_jax.evaluation.report.scatter_plot import Dot, Group, scatter
from tanuki_jax.evaluation.statistics.correlation import FEWEST, Correlation, correlate


class Correlated(NamedTuple):
    """Two metrics and their correlation."""

    pearson: Correlation
    spearman: Correlation


@dataclasses.dataclass(frozen=True)
class MetricPair:
    """Two metrics, and how they go together over the models that have both."""

    x: str
    y: str
    models: tuple[JoinedModel, ...]
    """Models that have both numbers."""
    left_out: frozenset[str]
    """Labels of those among them that the second correlation leaves out."""
    of_all: Correlated | None
    """None: fewer than three models, or one metric has the same value for all of them."""
    of_rest: Correlated | None

    @property
    def rest(self) -> int:
        """Return the number of models in the second correlation."""
        return len(self.models) - len(self.left_out)


def chosen_pairs(board: JoinedBoard, metrics: Sequence[str], tables: Collection[str]) -> list[tuple[str, str]]:
    """Return all pairs of some metrics; without metrics, those that some tables propose, and each first metric that any
    table proposes with each metric of the runs, if three models have both.

    Args:
        board: the metrics.
        metrics: metrics to pair.
        tables: names of the tables whose proposals count.

    Raises:
        InputError: a metric is unknown, or alone.
    """
    if metrics:
        names = list(dict.fromkeys(board.find(name).name for name in metrics))
        if len(names) < 2:
            raise InputError(f"--metrics names {names[0]} alone; a correlation needs two metrics")
        return list(itertools.combinations(names, 2))
    proposed = dict.fromkeys(pair for pair in board.pairs if pair[0].partition(".")[0] in tables)
    firsts = dict.fromkeys(x for x, _ in board.pairs)
    measured = [metric.name for metric in board.metrics.values() if metric.measured]
    of_runs = [(x, y) for x in firsts for y in measured if len(_models(board, x, y)) >= FEWEST]
    return [*proposed, *of_runs]


def _models(board: JoinedBoard, x: str, y: str) -> tuple[JoinedModel, ...]:
    return tuple(model for model in board.models if x in model.values and y in model.values)


def metric_pair(board: JoinedBoard, x: str, y: str, left_out: frozenset[str]) -> MetricPair:
    """Return the correlations of two metrics."""
    models = _models(board, x, y)
    rest = [model for model in models if model.label not in left_out]
    away = frozenset(model.label for model in models) & left_out
    return MetricPair(x, y, models, away, _correlation(models, x, y), _correlation(rest, x, y))


def _correlation(models: Sequence[JoinedModel], x: str, y: str) -> Correlated | None:
    one, other = ({model.label: model.values[name] for model in models} for name in (x, y))
    if len(models) < FEWEST or len({*one.values()}) == 1 or len({*other.values()}) == 1:
        return None
    return Correlated(correlate(one, other), correlate(one, other, method="spearman"))


TITLE = "Correlations of metrics"
HEAD = ("one metric", "other metric", "models", "r", "rank r", "models left", "r without", "rank r without")
"""Columns of the table of correlations: each row is a pair of metrics."""


def note_on_pairs(left_out: Sequence[str]) -> str:
    """Return the meaning of the columns of the table of correlations.

    Args:
        left_out: models that the second correlation leaves out.
    """
    note = (
        "Each row is a pair of metrics, over the models that have both numbers. r: Pearson's, with its 95% interval; "
        "rank r: Spearman's, of ranks."
    )
    return f"{note} Without: the same without {', '.join(left_out)}." if left_out else note


def pair_cells(pair: MetricPair) -> tuple[str, ...]:
    """Return a row of the table of correlations."""
    rest = _coefficients(pair.of_rest) if pair.left_out else ("", "")
    away = str(pair.rest) if pair.left_out else ""
    return (pair.x, pair.y, str(len(pair.models)), *_coefficients(pair.of_all), away, *rest)


def _coefficients(found: Correlated | None) -> tuple[str, str]:
    """Return Pearson's coefficient with its interval, and Spearman's."""
    if found is None:
        return "–", "–"
    value, low, high, *_ = found.pearson
    return interval(value, low, high, ".3f"), f"{found.spearman.value:.3f}"


def pairs_block(pairs: Sequence[MetricPair], left_out: Sequence[str]) -> Block:
    """Return a block of correlations.

    Args:
        pairs: the pairs.
        left_out: models that the second correlation leaves out.
    """
    return Block(TITLE, HEAD, [Row(pair_cells(pair)) for pair in pairs], left=2, note=note_on_pairs(left_out))


def scatter_block(pair: MetricPair, highlighted: frozenset[str]) -> Block:
    """Return a block with the scatter plot of a pair that has at least two models.

    Args:
        pair: the pair.
        highlighted: labels of models that a run measured.
    """
    dots = [
        Dot(model.label, model.values[pair.x], model.values[pair.y], _group(model, pair, highlighted))
        for model in pair.models
    ]
    title = f"{pair.y} against {pair.x}"
    picture = scatter(pair.x, pair.y, dots)
    described = "; ".join(f"{dot.name} {dot.x:g}, {dot.y:g}" for dot in dots)
    return Block(title, note=_summary(pair), pictures=[Picture(picture, f"{title}: {described}")], section=False)


def _group(model: JoinedModel, pair: MetricPair, highlighted: frozenset[str]) -> Group:
    if model.label in pair.left_out:
        return "left out"
    return "run" if model.label in highlighted else "outside"


def _summary(pair: MetricPair) -> str:
    text = f"{len(pair.models)} models, r = {_coefficients(pair.of_all)[0]}"
    if pair.left_out:
        text += f"; without {' and '.join(sorted(pair.left_out))} r = {_coefficients(pair.of_rest)[0]}"
    return f"{text}. Dashed: least squares" + (", without these." if pair.left_out else ".")
