"""Correlations of the deck's table come out, and their intervals hold the true ones."""

import math

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.statistics.correlation import Method, correlate, fisher_interval
from tests.evaluation.statistics.measure_coverage import of_correlation

RATING, MT_BENCH, NEJUMI = 0, 1, 2
TABLE: dict[str, tuple[float, float | None, float | None]] = {
    "GPT-4o": (1178, 8.6, 0.78),
    "Claude-3.5-sonnet": (1173, 8.7, 0.82),
    "Gemini-1.5-pro": (1128, 7.9, 0.73),
    "Tanuki-8x8B": (1099, 7.0, 0.57),
    "GPT-4o-mini": (1086, 8.3, 0.72),
    "Gemini-1.5-flash": (1070, 7.6, 0.70),
    "Calm3-22b": (1067, 6.9, 0.65),
    "PLAMO-100B": (1002, None, None),
    "Tanuki-8B": (1000, 6.6, 0.52),
    "Karakuri-8x7b": (948, 5.8, 0.60),
    "ELYZA-JP-8B": (945, 6.1, 0.62),
    "Swallow-70B": (906, 6.2, 0.65),
    "GPT-3.5-turbo": (893, 6.8, 0.58),
}
"""Rating in the arena, Japanese MT-Bench, total of Nejumi leaderboard 3, from the deck of Tanuki-8x8B."""
TANUKIS = ("Tanuki-8x8B", "Tanuki-8B")


def metric(column: int) -> dict[str, float | None]:
    return {model: row[column] for model, row in TABLE.items()}


@pytest.mark.parametrize(
    ("column", "without", "expected"),
    [(MT_BENCH, (), 0.864), (MT_BENCH, TANUKIS, 0.894), (NEJUMI, (), 0.708), (NEJUMI, TANUKIS, 0.918)],
)
def test_the_decks_correlations_come_out(column: int, without: tuple[str, ...], expected: float) -> None:
    found = correlate(metric(RATING), metric(column), without=without)
    assert round(found.value, 3) == expected
    assert len(found.models) == 12 - len(without) and found.missing == ("PLAMO-100B",)
    assert -1 < found.low < found.value < found.high < 1


def test_ranks_are_correlated_with_ties() -> None:
    from scipy.stats import spearmanr

    one, other = {"a": 1.0, "b": 2.0, "c": 2.0, "d": 9.0}, {"d": 5.0, "c": 3.0, "b": 7.0, "a": 3.0}
    expected = spearmanr([1, 2, 2, 9], [3, 7, 3, 5]).statistic
    assert correlate(one, other, method="spearman").value == pytest.approx(expected)


def test_fishers_interval_comes_out_as_by_hand() -> None:
    """Exp(2 atanh(.8)) = 9; 1.96 / sqrt(13) = .54360, and e ** (2 * .54360) = 2.9658."""
    assert fisher_interval(0.8, 16, "pearson") == pytest.approx(
        [(9 / 2.9658 - 1) / (9 / 2.9658 + 1), (9 * 2.9658 - 1) / (9 * 2.9658 + 1)], abs=1e-4
    )
    low, high = fisher_interval(0.8, 16, "spearman")
    assert low < fisher_interval(0.8, 16, "pearson")[0] and high > fisher_interval(0.8, 16, "pearson")[1]


def test_three_models_leave_everything_open() -> None:
    found = correlate({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "c": 4})
    assert (found.low, found.high) == (-1, 1)


def test_models_on_a_line_have_a_correlation_of_one() -> None:
    line = {str(number): float(number) for number in range(6)}
    found = correlate(line, {name: -2 * value for name, value in line.items()})
    assert found.value == pytest.approx(-1) and found.low == pytest.approx(-1) and found.high < -0.99


def test_models_that_lack_a_metric_are_named() -> None:
    one = {"a": 1.0, "b": 2.0, "c": 3.0, "d": math.nan, "e": 5.0}
    found = correlate(one, {"b": 2.0, "a": 1.0, "c": 0.0, "d": 1.0, "f": 2.0, "e": None})
    assert found.models == ("a", "b", "c") and found.missing == ("d", "e", "f")


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_intervals_of_correlations_cover_in_few_runs(method: Method) -> None:
    assert 0.91 <= of_correlation(13, 0.5, method, 2_000)["Fisher"] <= 0.98


@pytest.mark.long
@pytest.mark.parametrize("models", [10, 13, 20])
@pytest.mark.parametrize("true", [0.0, 0.5, 0.9])
def test_intervals_of_correlations_cover(models: int, true: float) -> None:
    found = of_correlation(models, true, "pearson", 4_000, bca_runs=500)
    assert 0.94 <= found["Fisher"] <= 0.96 and found["BCa bootstrap"] < found["Fisher"]


@pytest.mark.parametrize(
    ("other", "without", "message"),
    [
        ({"a": 1.0, "b": 2.0}, (), "2 models have both metrics; a correlation needs at least 3"),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, (), "a metric is 1 for all 3 models; it has no correlation"),
        ({"a": 1.0, "b": 1.0, "c": 2.0}, ("bb",), "no model 'bb' to leave out; the nearest is 'b'"),
        ({}, (), "0 models have both"),
    ],
)
def test_what_has_no_correlation_is_refused(other: dict[str, float], without: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        correlate({"a": 1.0, "b": 2.0, "c": 3.0}, other, without=without)


def test_metrics_are_compared_by_name_not_by_place() -> None:
    random = np.random.default_rng(0)
    one = {str(number): value for number, value in enumerate(random.random(9).tolist())}
    other = {str(number): value for number, value in enumerate(random.random(9).tolist())}
    assert correlate(one, dict(reversed(other.items()))).value == pytest.approx(correlate(one, other).value)
