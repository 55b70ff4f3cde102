"""Categories of the Nejumi leaderboard 4 over our results."""

import dataclasses
from pathlib import Path

import pytest

from tanuki_jax.evaluation.report.nejumi_categories import CATEGORIES, category_scores, nejumi_block, total
from tanuki_jax.evaluation.report.read_results import BenchmarkResult, MetricResult, RunItem, RunResults


def run_with(*benchmarks: BenchmarkResult) -> RunResults:
    return RunResults(Path(), "m", "e", "m", "f", (), {}, {}, "", "", benchmarks)


def strict(name: str, mean: float) -> BenchmarkResult:
    metric = MetricResult(mean, mean, mean, 100, 0)
    return BenchmarkResult(name, name, (0, 1), "", (), {"strict": metric}, {}, 0, 0, ())


def rated(**ratings: list[float]) -> BenchmarkResult:
    items = tuple(
        RunItem(f"{category}{n}", "", {"category": category}, "", "", {"rating": rating}, (), "", ())
        for category, values in ratings.items()
        for n, rating in enumerate(values)
    )
    return BenchmarkResult("mt_bench_ja", "MT", (1, 10), "", (), {}, {}, 0, 0, items)


def test_parts_of_a_category_are_averaged() -> None:
    jaster = [strict("mgsm_ja_0shot", 0.2), strict("mgsm_ja_2shot", 0.4), strict("jnli_0shot", 0.9)]
    run = run_with(*jaster, rated(math=[4.0, 6.0], reasoning=[7.0], writing=[8.0]))
    scores = {each.category.name: each for each in category_scores(run)}
    assert scores["mathematical reasoning"].score == pytest.approx((0.3 + 0.5) / 2)
    assert scores["mathematical reasoning"].missing == ("MAWPS",)
    assert scores["expression"].score == pytest.approx(0.8)
    assert scores["expression"].missing == ("MT-Bench roleplay", "MT-Bench humanities")
    assert scores["semantic analysis"].score is None  # of two numbers of examples one is missing
    whole = total(category_scores(run))
    assert whole == pytest.approx((1 * 0.8 + 2 * 0.7 + 2 * 0.4) / 5)


def test_weights_are_those_of_the_leaderboard() -> None:
    assert [each.weight for each in CATEGORIES] == [1, 1, 1, 2, 2, 2, 2, 2, 1, 1, 2, 2]
    assert total(category_scores(run_with())) is None


def test_a_total_says_over_how_many_categories_it_is() -> None:
    block = nejumi_block([run_with(rated(coding=[5.0]), strict("jnli_0shot", 1), strict("jnli_2shot", 0.4))])
    assert block is not None and block.head == ("category", "missing parts", "weight", "m")
    assert [(row.cells[0], *row.cells[2:], row.marked) for row in block.rows] == [
        ("semantic analysis", "1", "0.700", False),
        ("coding", "2", "0.500", False),
        ("total of 2 of 12 categories", "", "0.567", False),
    ]
    assert "Without a score: expression, translation, " in block.note
    assert nejumi_block([run_with()]) is None


def test_totals_are_over_what_all_models_have() -> None:
    jnli = strict("jnli_0shot", 1), strict("jnli_2shot", 0.4)
    one = run_with(*jnli, rated(coding=[5.0], math=[8.0], writing=[2.0]))
    other = run_with(*jnli, rated(coding=[3.0], writing=[4.0], roleplay=[6.0]))
    block = nejumi_block([dataclasses.replace(one, label="a"), dataclasses.replace(other, label="b")])
    assert block is not None
    rows = {row.cells[0]: row.cells[1:] for row in block.rows}
    assert rows["expression"] == ("MT-Bench roleplay (of a), MT-Bench humanities", "1", "0.200", "0.500")
    assert rows["mathematical reasoning"][2:] == ("0.800", "–")
    assert rows["total of 2 of 12 categories"] == ("", "", "0.567", "0.433")  # coding and semantic analysis
