"""Hardware files from reports: the measured shares of the vendor's rates."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.hardware import find
from tanuki_jax.planning.bench import bench_report
from tanuki_jax.planning.bench.bench_results import Figures, Key, Result
from tanuki_jax.planning.bench.measured_hardware import KERNELS, keep
from tanuki_jax.planning.bench.sizes import SIZES
from tanuki_jax.planning.bench.suites import SUITES
from tanuki_jax.planning.bench.timing import Timing

ABOUT = {"device": "NVIDIA H200", "date": "2026-11-22", "versions": {"jax": "0.12.0.1"}}
BOTH: Key = {"direction": "forward + backward"}
ATTENTION: Key = {"rows": "one document", "time": 8192, "head_dim": 128, **BOTH}


def result(benchmark: str, key: Key, tera: float) -> Result:
    figures = Figures(timing=Timing(2.0, 1.9, 2.1, 9), flops=2e12 * tera)
    return Result(
        benchmark=benchmark,
        case="a case",
        variant="a variant",
        key=key,
        outcome="measured",
        figures=figures,
        ceiling=800e12,
    )


def test_the_fastest_of_our_kernels_is_written_to_the_file(tmp_path: Path) -> None:
    ours, loss = {**ATTENTION, "library": "tanuki_jax"}, {"library": "tanuki_jax", "counted_percent": 100, **BOTH}
    results = [
        result("attention", {**ours, "backend": "hopper"}, 600),
        result("attention", {**ours, "backend": "cudnn"}, 500),
        result("attention", {**ATTENTION, "library": "flash_attn"}, 700),
        result("attention", {**ours, "time": 2048}, 650),
        result("attention", {**ours, "direction": "forward"}, 750),
        result("cross-entropy", loss, 300),
        result("cross-entropy", {**loss, "counted_percent": 25}, 350),
    ]
    bench_report.write(tmp_path / "h200.json", results, ABOUT)
    measured = keep(tmp_path / "h200.json", "h200", tmp_path / "own.toml")
    assert {name: value for name, (value, _) in measured.items()} == pytest.approx(
        {"matmul": 800 / 989, "attention": 600 / 989, "cross_entropy": 400 / 989}
    )
    written = find(str(tmp_path / "own.toml")).efficiency
    assert written["attention"].measured
    assert written["attention"].source == "a variant, a case, one NVIDIA H200, jax 0.12.0.1, 2026-11-22"
    assert written["grouped_matmul"] == find("h200").efficiency["grouped_matmul"]


@pytest.mark.parametrize("name", KERNELS)
def test_every_efficiency_has_a_measurement_that_is_taken_first(name: str) -> None:
    kernel = KERNELS[name]
    matching = [each for each in SUITES[kernel.benchmark](SIZES["full"]) if kernel.key.items() <= each.key.items()]
    assert matching and all(each.first for each in matching)


def test_a_report_without_such_a_measurement_is_refused(tmp_path: Path) -> None:
    bench_report.write(tmp_path / "empty.json", [], ABOUT)
    with pytest.raises(InputError, match=r"empty\.json has no measurement for a hardware file"):
        keep(tmp_path / "empty.json", "h200", tmp_path / "own.toml")
