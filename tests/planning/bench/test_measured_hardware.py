"""From a report to the shares that a hardware file holds."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.hardware import find
from tanuki_jax.planning.bench import bench_report as report
from tanuki_jax.planning.bench.bench_results import Figures, Result
from tanuki_jax.planning.bench.measured_hardware import keep
from tanuki_jax.planning.bench.timing import Timing

ABOUT = {"device": "NVIDIA H200", "date": "2026-11-22", "versions": {"jax": "0.12.0.1"}}


def result(benchmark: str, case: str, variant: str, tera: float) -> Result:
    figures = Figures(timing=Timing(2.0, 1.9, 2.1, 9), flops=2e12 * tera)
    return Result(benchmark=benchmark, case=case, variant=variant, outcome="measured", figures=figures, ceiling=800e12)


def test_the_best_of_our_kernels_is_what_a_prediction_uses(tmp_path: Path) -> None:
    attention = "one document, T 8192, 4 query heads a key head, D 128, forward + backward"
    results = [
        result("attention", attention, "tanuki_jax hopper", 600),
        result("attention", attention, "tanuki_jax cudnn", 500),
        result("attention", attention, "flash-attn 4", 700),
        result("attention", attention.replace("8192", "2048"), "tanuki_jax hopper", 650),
        result("cross-entropy", "16384 tokens, 100% of weight one, forward + backward", "tanuki_jax", 300),
    ]
    report.write(tmp_path / "h200.json", results, ABOUT)
    found = keep(tmp_path / "h200.json", "h200", tmp_path / "mine.toml")
    assert {name: value for name, (value, _) in found.items()} == pytest.approx(
        {"matmul": 800 / 989, "attention": 600 / 989, "cross_entropy": 400 / 989}
    )
    mine = find(str(tmp_path / "mine.toml"))
    assert (
        mine.efficiency["attention"].measured
        and "one NVIDIA H200, jax 0.12.0.1, 2026-11-22" in mine.efficiency["attention"].source
    )
    assert mine.efficiency["grouped_matmul"] == find("h200").efficiency["grouped_matmul"]


def test_a_report_of_something_else_is_refused(tmp_path: Path) -> None:
    report.write(tmp_path / "empty.json", [], ABOUT)
    with pytest.raises(InputError, match="no measurement that a hardware file has a place for"):
        keep(tmp_path / "empty.json", "h200", tmp_path / "mine.toml")
