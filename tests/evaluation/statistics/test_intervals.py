"""95% intervals hold the true mean in 92 to 97% of simulated runs."""

import functools
import time

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.statistics.intervals import mean_interval
from tests.evaluation.statistics.measure_coverage import (
    RUNS,
    SHARES,
    exact_coverage,
    of_binary,
    of_clusters,
    of_continuous,
)
from tests.evaluation.statistics.simulated_scores import CONTINUOUS, cluster_sizes, clustered

LOW, HIGH = 0.92, 0.97


def within(share: float, runs: int) -> None:
    """Check a coverage, with three standard deviations of what `runs` simulations leave to chance."""
    chance = 3 * np.sqrt(0.95 * 0.05 / runs)
    assert LOW - chance <= share <= HIGH + chance


@pytest.mark.parametrize("items", [100, 1_000])
@pytest.mark.parametrize("share", SHARES)
def test_intervals_of_right_or_wrong_answers_cover(items: int, share: float) -> None:
    assert LOW <= of_binary(items, share, 20_000).share <= HIGH


@pytest.mark.parametrize("items", [100, pytest.param(1_000, marks=pytest.mark.long)])
def test_coverage_of_answers_holds_for_every_true_share(items: int) -> None:
    found = exact_coverage(items, "ours")
    assert found["lowest"] >= LOW and found["highest"] <= HIGH


def test_a_percentile_bootstrap_would_not_cover() -> None:
    assert exact_coverage(100, "percentile bootstrap")["lowest"] < 0.885


@pytest.mark.parametrize("name", CONTINUOUS)
def test_intervals_of_continuous_scores_cover_in_few_runs(name: str) -> None:
    within(of_continuous(100, name, 300).share, 300)


@pytest.mark.long
@pytest.mark.parametrize("items", [100, 1_000])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_intervals_of_continuous_scores_cover(items: int, name: str) -> None:
    within(of_continuous(items, name, RUNS[items]).share, RUNS[items])


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("unequal", [True, False])
def test_intervals_over_clusters_cover_in_few_runs(unequal: bool, binary: bool) -> None:
    within(of_clusters(100, 20, 0.5, 0.5, 300, unequal=unequal, binary=binary).share, 300)


@pytest.mark.long
@pytest.mark.parametrize(("items", "clusters"), [(100, 20), (100, 50), (1_000, 50), (1_000, 200)])
@pytest.mark.parametrize("correlation", [0.1, 0.5])
@pytest.mark.parametrize("unequal", [True, False])
def test_intervals_over_clusters_cover(items: int, clusters: int, correlation: float, unequal: bool) -> None:
    runs = RUNS[items]
    for share in (0.2, 0.5, 0.9):
        within(of_clusters(items, clusters, share, correlation, runs, unequal=unequal).share, runs)
    within(of_clusters(items, clusters, 0.5, correlation, runs, unequal=unequal, binary=False).share, runs)


def test_without_the_clusters_the_interval_would_be_too_narrow() -> None:
    random = np.random.default_rng(0)
    scores, names = clustered(random, 0.5, 0.5, cluster_sizes(100, 20, unequal=False))
    apart, together = mean_interval(scores), mean_interval(scores, names)
    # The design effect is 1 + 4 * .5 = 3, and 19 degrees of freedom widen a little more.
    assert 1.4 < (together.high - together.low) / (apart.high - apart.low) < 2.2
    assert apart.mean == together.mean == scores.mean()


@pytest.mark.parametrize(
    ("sums", "size", "error", "freedom"),
    [
        # Residuals 2, 1, -1, -2 of 16 items: 10 / (1 - 1/4) / 16 ** 2. Four clusters: three degrees of freedom.
        ([4, 3, 1, 0], 4, 0.228218, 3),
        # Residuals 1.8 and nine times -.2 of 20: 3.6 / .9 / 20 ** 2. Kurtosis 1.0512 / .36 ** 2 = 8.1111.
        ([2] + [0] * 9, 2, 0.1, 20 / 7.1111),
    ],
)
def test_an_interval_over_clusters_as_by_hand(sums: list[int], size: int, error: float, freedom: float) -> None:
    from scipy.stats import beta, norm, t

    scores = [float(place < right) for right in sums for place in range(size)]
    names = [str(number) for number in range(len(sums)) for _ in range(size)]
    mean, low, high = mean_interval(scores, names)
    items = mean * (1 - mean) / (error * t.ppf(0.975, freedom) / norm.ppf(0.975)) ** 2
    expected = beta.ppf([0.025, 0.975], items * mean + 0.5, items * (1 - mean) + 0.5)
    assert (low, high) == pytest.approx(expected.tolist(), rel=1e-4)


def test_the_long_tail_of_skewed_scores_gets_more_room() -> None:
    scores = np.log(1 - np.arange(0.5, 60) / 60) ** 2
    for values in (scores, 20 - scores):
        mean, low, high = mean_interval(values, bounds=(-1_000, 1_000))
        short, long = sorted((mean - low, high - mean))
        assert short == pytest.approx(2.001 * values.std(ddof=1) / np.sqrt(60), rel=1e-3) and long > 1.15 * short
        assert (long == high - mean) == (values is scores)


def test_items_without_a_cluster_are_alone() -> None:
    scores = [1.0, 0.0, 1.0, 1.0, 0.0]
    assert mean_interval(scores, ["", "", "", "", ""]) == mean_interval(scores, list("abcde")) == mean_interval(scores)


def test_answers_that_are_all_right_leave_room() -> None:
    # Jeffreys: the .975 quantile of Beta(.5, 100.5) is .02474; the rule of three would give .03.
    assert mean_interval([1.0] * 100) == pytest.approx((1, 1 - 0.02474, 1), abs=1e-5)
    assert mean_interval([0.0] * 100) == pytest.approx((0, 0, 0.02474), abs=1e-5)
    assert mean_interval([0.5] * 100) == pytest.approx((0.5, 0.5 - 0.01237, 0.5 + 0.01237), abs=1e-5)


def test_five_texts_that_are_all_right_count_as_five() -> None:
    texts = [str(number % 5) for number in range(100)]
    assert mean_interval([1.0] * 100, texts) == mean_interval([1.0] * 5)
    # Each text has one right and one wrong answer: the mean is certain only as far as five texts go.
    half = mean_interval([0.0, 1.0] * 5, [str(number // 2) for number in range(10)])
    assert half.low < 0.4 and half.high > 0.6


def test_one_text_says_nothing_about_others() -> None:
    assert mean_interval([0.2, 0.4], ["a", "a"], bounds=(0, 10)) == pytest.approx((0.3, 0, 10))


def test_bounds_only_change_the_scale() -> None:
    scores = np.random.default_rng(3).choice([1.0, 4.0, 7.0, 9.0, 10.0], 80)
    plain, scaled = mean_interval((scores - 1) / 9), mean_interval(scores.astype(float), bounds=(1, 10))
    assert scaled == pytest.approx([1 + 9 * value for value in plain])
    narrow = np.random.default_rng(3).normal(0.5, 0.05, 80).clip(0, 1)
    assert mean_interval(narrow * 100, bounds=(0, 100)).low == pytest.approx(100 * mean_interval(narrow).low, rel=0.01)


@pytest.mark.parametrize("bounds", [(0, 10), (-100, 100)])
def test_few_scores_that_differ_do_not_open_the_interval(bounds: tuple[float, float]) -> None:
    """Agresti and Min: center 4 / 102, variance (4 + 1 - 102 * (4 / 102) ** 2) / 102 ** 2."""
    mean, low, high = mean_interval([5.0] * 96 + [6.0] * 4, bounds=bounds)
    assert mean == pytest.approx(5.04)
    assert (low, high) == pytest.approx((5 + 0.03922 - 1.96 * 0.02158, 5 + 0.03922 + 1.96 * 0.02158), abs=1e-4)


@pytest.mark.parametrize(("better", "worse"), [(0.02, 0.02), (0.05, 0.0), (0.05, 0.05), (0.1, 0.05), (0.3, 0.1)])
def test_intervals_of_differences_of_similar_runs_cover(better: float, worse: float) -> None:
    from scipy.stats import multinomial

    @functools.cache
    def covered(up: int, down: int) -> bool:
        _, low, high = mean_interval([1.0] * up + [-1.0] * down + [0.0] * (100 - up - down), bounds=(-1, 1))
        return low <= better - worse <= high

    most = range(10 + round(150 * (better + worse)))
    shares = multinomial(100, [better, worse, 1 - better - worse])
    share = sum(shares.pmf([up, down, 100 - up - down]) for up in most for down in most if covered(up, down))
    assert LOW <= share <= (HIGH if better + worse > 0.04 else 0.99)


def test_scores_without_bounds_have_finite_intervals_if_they_differ() -> None:
    losses = np.random.default_rng(3).normal(2, 0.5, 100)
    mean, low, high = mean_interval(losses, bounds=(0, np.inf))
    student = 1.984 * losses.std(ddof=1) / 10
    assert mean - 1.3 * student < low <= mean - student < mean + student <= high < mean + 1.3 * student
    assert mean_interval([2.0, 2.0], bounds=(-np.inf, np.inf))[1:] == (-np.inf, np.inf)
    with pytest.raises(InputError, match="score 1 of 1 is inf"):
        mean_interval([np.inf], bounds=(0, np.inf))


@pytest.mark.parametrize("items", [1, 2, 3, 5])
def test_few_items_have_wide_intervals_inside_the_bounds(items: int) -> None:
    for scores in ([0.6] * items, np.linspace(0.45, 0.55, items), np.linspace(0, 1, items), [1.0] * items):
        mean, low, high = mean_interval(scores)
        assert 0 <= low <= mean <= high <= 1 and high - low > 0.3 / items


@pytest.mark.parametrize("name", CONTINUOUS)
def test_the_same_scores_give_the_same_interval(name: str) -> None:
    random = np.random.default_rng(0)
    scores, texts = CONTINUOUS[name].draw(random, 200), np.array([str(number // 4) for number in range(200)])
    order = random.permutation(200)
    assert mean_interval(scores) == mean_interval(scores.tolist())
    assert mean_interval(scores) == pytest.approx(mean_interval(scores[order]), rel=1e-9)
    turned = mean_interval(scores[order], texts[order].tolist())
    assert mean_interval(scores, texts.tolist()) == pytest.approx(turned, rel=1e-9)


@pytest.mark.parametrize("name", ["narrow", "judged"])
def test_a_thousand_items_take_less_than_50_ms(name: str) -> None:
    scores, texts = CONTINUOUS[name].draw(np.random.default_rng(0), 1_000), [str(i // 5) for i in range(1_000)]
    for clusters in (None, texts):
        times = []
        for _ in range(4):
            began = time.thread_time()
            mean_interval(scores, clusters)
            times.append(time.thread_time() - began)
        assert min(times) < 0.05


@pytest.mark.parametrize(
    ("scores", "clusters", "message"),
    [
        ([], None, "there are no scores to average"),
        ([1.0, 0.0], ["a"], "2 scores and 1 names of clusters"),
        ([1.0, float("nan")], None, "score 2 of 2 is nan, and must be a number from 0 to 1"),
        ([1.0, 0.0, -0.5, 7.0], None, "score 3 of 4 is -0.5, and must be a number from 0 to 1"),
    ],
)
def test_bad_scores_are_refused(scores: list[float], clusters: list[str] | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        mean_interval(scores, clusters)
