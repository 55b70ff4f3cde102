"""Categories of the Nejumi leaderboard 4 over our results."""

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


def test_parts_of_several_runs_are_put_together() -> None:
    jaster = run_with(strict("mgsm_ja_0shot", 0.2), strict("mgsm_ja_2shot", 0.4), strict("jnli_0shot", 0.9))
    judged = run_with(rated(math=[4.0, 6.0], reasoning=[7.0], writing=[8.0]))
    scores = {each.category.name: each for each in category_scores([jaster, judged])}
    assert scores["mathematical reasoning"].score == pytest.approx((0.3 + 0.5) / 2)
    assert scores["mathematical reasoning"].missing == ("MAWPS",)
    assert scores["expression"].score == pytest.approx(0.8)
    assert scores["expression"].missing == ("MT-Bench roleplay", "MT-Bench humanities")
    assert scores["semantic analysis"].score is None  # of two numbers of examples one is missing
    whole = total(category_scores([jaster, judged]))
    assert whole == pytest.approx((1 * 0.8 + 2 * 0.7 + 2 * 0.4) / 5)


def test_weights_are_those_of_the_leaderboard() -> None:
    assert [each.weight for each in CATEGORIES] == [1, 1, 1, 2, 2, 2, 2, 2, 1, 1, 2, 2]
    assert total(category_scores([])) is None


def test_the_block_has_a_column_for_each_model() -> None:
    block = nejumi_block([run_with(rated(coding=[5.0])), run_with(strict("jnli_0shot", 1), strict("jnli_2shot", 0))])
    assert block is not None and block.head == ("category", "missing parts", "weight", "m")
    cells = {row.cells[0]: row.cells[2:] for row in block.rows}
    assert cells["coding"] == ("2", "0.500") and cells["semantic analysis"] == ("1", "0.500")
    assert cells["translation"] == ("1", "–") and cells["total"] == ("", "0.500")
    assert nejumi_block([run_with()]) is None
