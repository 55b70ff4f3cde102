"""The paired test errs in 4 to 6% of the runs that do not differ, and finds differences."""

import time

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.statistics.paired_test import PairedResult, paired_test
from tests.evaluation.statistics.measure_coverage import PAIRS, RUNS, Pair, exact_error, of_pair

LOW, HIGH = 0.04, 0.06


def compared(one: list[float], other: list[float], clusters: list[str] | None = None) -> PairedResult:
    names = [f"{number:04d}" for number in range(len(one))]
    texts = None if clusters is None else dict(zip(names, clusters, strict=True))
    return paired_test(
        dict(zip(names, one, strict=True)), dict(reversed(list(zip(names, other, strict=True)))), clusters=texts
    )


def by_name(pair: Pair) -> str:
    return pair.name.replace(" ", "-")


@pytest.mark.parametrize("pair", [PAIRS[2], PAIRS[6], PAIRS[8], PAIRS[-2], PAIRS[-1]], ids=by_name)
def test_the_test_errs_seldom_in_few_runs(pair: Pair) -> None:
    errors, interval = of_pair(pair, 100, 150)
    chance = 3 * np.sqrt(0.05 * 0.95 / 150)
    assert errors <= HIGH + chance and interval.share >= 0.92 - chance


@pytest.mark.long
@pytest.mark.parametrize("items", [100, 1_000])
@pytest.mark.parametrize("pair", PAIRS, ids=by_name)
def test_the_test_errs_in_4_to_6_percent(pair: Pair, items: int) -> None:
    runs = RUNS[items]
    errors, interval = of_pair(pair, items, runs)
    chance = 3 * np.sqrt(0.05 * 0.95 / runs)
    assert LOW - chance <= errors <= HIGH + chance
    assert 0.92 - chance <= interval.share <= 0.97 + chance


@pytest.mark.parametrize("items", [100, 1_000])
def test_the_error_for_right_and_wrong_answers_is_4_to_6_percent(items: int) -> None:
    """Exactly, by the binomial distribution; the exact sign test errs in as few as .5%."""
    for differ in np.array([4, 5, 6, 8, 10, 15, 20, 30, 40, 50]) / 100 * (1 if items == 100 else 0.4):
        assert LOW <= exact_error(items, float(differ))["normal"] <= HIGH, differ
    assert exact_error(100, 0.04)["exact"] < 0.01 and exact_error(100, 0.04)["mid-p"] < 0.02


def test_right_and_wrong_answers_are_tested_as_mcnemar_does() -> None:
    """Without correction for continuity: chi-square = (15 - 5) ** 2 / 20 = 5, p = .02535."""
    result = compared([1.0] * 15 + [0.0] * 5 + [1.0] * 80, [0.0] * 15 + [1.0] * 5 + [1.0] * 80)
    assert result.p_value == pytest.approx(0.02535, abs=1e-5)
    assert result.difference == pytest.approx(0.1) and (result.items, result.better, result.worse) == (100, 15, 5)
    assert 0 < result.low < 0.1 < result.high < 0.2


def test_few_items_are_tested_with_all_exchanges() -> None:
    """Two of 16 exchanges of signs of 1, 1, 1, 1 are as far as 4: mid-p = 1 / 16."""
    assert compared([1.0] * 4, [0.0] * 4).p_value == pytest.approx(1 / 16)
    # .1 + .2 + .4 = .7 and its opposite, of 8: mid-p = 1 / 8. Then .1 + .2 - .4: six are farther, two as far: 7 / 8.
    assert compared([0.6, 0.7, 0.9], [0.5, 0.5, 0.5]).p_value == pytest.approx(1 / 8)
    assert compared([0.6, 0.7, 0.1], [0.5, 0.5, 0.5]).p_value == pytest.approx(7 / 8)


def test_many_continuous_scores_agree_with_scipy() -> None:
    from scipy.stats import permutation_test

    random = np.random.default_rng(0)
    one, other = random.random(60), random.random(60) - 0.0
    expected = permutation_test(
        (one, other), lambda x, y: (x - y).mean(), permutation_type="samples", n_resamples=20_000, rng=1
    ).pvalue
    assert compared(one.tolist(), other.tolist()).p_value == pytest.approx(expected, abs=0.02)


def test_items_of_a_text_are_exchanged_together() -> None:
    one, other = [1.0] * 20, [0.0] * 20
    apart = compared(one, other).p_value
    together = compared(one, other, [str(number // 5) for number in range(20)])
    assert apart < 1e-3 and together.p_value == pytest.approx(1 / 16)
    assert together.high - together.low > compared(one, other).high - compared(one, other).low


def test_a_real_difference_is_found() -> None:
    random = np.random.default_rng(0)
    better, worse = (random.random(1_000) < share for share in (0.65, 0.5))
    result = compared(better.astype(float).tolist(), worse.astype(float).tolist())
    assert result.p_value < 0.001 and 0 < result.low < result.difference < result.high < 0.25


def test_equal_runs_do_not_differ() -> None:
    result = compared([0.3, 0.5] * 50, [0.3, 0.5] * 50)
    assert result.p_value == 1 and result.difference == 0 and result.low < 0 < result.high


def test_the_order_of_the_runs_only_changes_the_sign() -> None:
    random = np.random.default_rng(0)
    one, other = random.random(80).tolist(), random.random(80).tolist()
    forth, back = compared(one, other), compared(other, one)
    assert back.difference == -forth.difference and back.p_value == pytest.approx(forth.p_value, abs=0.02)
    assert forth == compared(one, other)


def test_a_thousand_items_take_little_time() -> None:
    random = np.random.default_rng(0)
    one, other = random.random(1_000).tolist(), random.random(1_000).tolist()
    began = time.thread_time()
    compared(one, other)
    assert time.thread_time() - began < 1


@pytest.mark.parametrize(
    ("run", "other", "message"),
    [
        ({"a": 1, "b": 1}, {"a": 1}, r"same items \(2 and 1\): 1 only in the first, such as 'b'; a paired"),
        ({"a": 1}, {"a": 1, "d": 1, "c": 1}, r"same items \(1 and 3\): 2 only in the second, such as 'c'; a paired"),
        ({"a": 1}, {"b": 1}, "1 only in the first, such as 'a' and 1 only in the second, such as 'b'"),
        ({}, {}, "there are no scores"),
        ({"a": 1.0}, {"a": 2.0}, "the score of a is 2, and must be from 0 to 1"),
        ({"a": float("nan")}, {"a": 1.0}, "the score of a is nan"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(run: dict[str, float], other: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        paired_test(run, other)
