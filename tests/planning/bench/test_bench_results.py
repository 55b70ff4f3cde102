"""Outcomes of a variant: measured, wrong, failed or unavailable, and never dropped."""

import json
from collections.abc import Callable

import jax
import jax.numpy as jnp
import pytest

from tanuki_jax.planning.bench import bench_report, correctness, timed_program
from tanuki_jax.planning.bench.bench_results import (
    Figures,
    Key,
    Measurement,
    Result,
    Unavailable,
    from_json,
    missing,
    take,
    to_json,
)
from tanuki_jax.planning.bench.timing import Timing

TIMING = Timing(0.5, 0.4, 0.7, 10)
KEY: Key = {"time": 64, "library": "ours"}


def doubling(factor: float) -> Figures:
    """Time a program that should double its argument."""
    x = jnp.arange(1.0, 13.0).reshape(3, 4)

    def check(results: tuple[jax.Array, ...]) -> float:
        return correctness.check(results, (2 * x,), ("the double",))

    return timed_program.measure(lambda x: (factor * x,), (x,), check, 0.0, flops=12.0)


def measurement(take: Callable[[float], Figures]) -> Measurement:
    return Measurement("some", "case", "variant", {"library": "ours"}, take)


def result_of(factor: float) -> Result:
    return take(measurement(lambda _: doubling(factor)), 0.0, 1e9)


def test_a_right_variant_is_timed() -> None:
    result = result_of(2.0)
    assert result.outcome == "measured" and result.figures is not None
    assert result.figures.timing.median > 0 and result.figures.error == 0
    assert result.figures.moved_bytes == 2 * 12 * 4


@pytest.mark.parametrize("factor", [2.2, 0.0, float("nan")])
def test_a_wrong_variant_is_listed_as_wrong_and_not_timed(factor: float) -> None:
    result = result_of(factor)
    assert (result.outcome, result.figures) == ("wrong", None)
    assert result.detail.startswith("the double has a row with a relative error of")


def test_one_wrong_row_among_many_is_found() -> None:
    right = jax.random.normal(jax.random.key(0), (1000, 8))
    wrong = right.at[17].set(right[18])
    assert float(correctness.worst_row(wrong, right)) > 0.5
    assert float(correctness.worst_row(right * 1.01, right)) == pytest.approx(0.01, rel=0.1)


def test_a_failing_variant_is_listed_with_the_first_line_of_its_error() -> None:
    def fails(_: float) -> Figures:
        raise RuntimeError("RESOURCE_EXHAUSTED: no room\nand much more")

    result = take(measurement(fails), 0.0, 1e9)
    assert (result.outcome, result.detail) == ("failed", "RuntimeError: RESOURCE_EXHAUSTED: no room")


def test_a_peer_that_does_not_serve_a_case_is_listed() -> None:
    def leaves(_: float) -> Figures:
        raise Unavailable("only dense masks")

    assert take(measurement(leaves), 0.0, 1e9).outcome == "unavailable"


def test_peers_that_are_not_installed_are_listed() -> None:
    absent = list(missing("some", {"one": "json", "other": "no_such_package"}))
    assert [(each.variant, take(each, 0.0, 1.0).detail) for each in absent] == [
        ("other", "no_such_package is not installed")
    ]


def test_results_survive_json() -> None:
    figures = Figures(timing=TIMING, flops=1e12, tokens=5, notes={"tokens/s": 3.0, "from": "2 and 4"})
    for result in (
        Result(benchmark="b", case="c", variant="v", key=KEY, outcome="measured", figures=figures, ceiling=1e14),
        Result(benchmark="b", case="c", variant="v", key={}, outcome="failed", detail="why"),
    ):
        assert from_json(json.loads(json.dumps(to_json(result)))) == result


def test_speed_and_share_come_from_useful_operations() -> None:
    figures = Figures(timing=TIMING, flops=4e14)
    result = Result(benchmark="b", case="c", variant="v", key={}, outcome="measured", figures=figures, ceiling=1e15)
    assert bench_report.tera(figures) == pytest.approx(800.0)
    assert bench_report.share(result) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("benchmark", "key", "matches"),
    [
        ("b", {}, True),
        ("b", {"time": 64}, True),
        ("b", KEY, True),
        ("c", KEY, False),
        ("b", {"time": 128}, False),
        ("b", {"time": 64, "heads": 2}, False),
    ],
)
def test_a_result_matches_by_benchmark_and_exact_fields(benchmark: str, key: Key, matches: bool) -> None:
    result = Result(benchmark="b", case="T 128", variant="v", key=KEY, outcome="failed")
    assert result.matches(benchmark, key) == matches
