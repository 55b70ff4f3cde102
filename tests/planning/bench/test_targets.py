"""The table of targets."""

from pathlib import Path

from tanuki_jax.planning.bench.bench_report import read
from tanuki_jax.planning.bench.bench_results import CUDNN_SHARE, Figures, Key, Result
from tanuki_jax.planning.bench.sizes import SIZES
from tanuki_jax.planning.bench.suites import ADAPTER_CONFIGS, SUITES
from tanuki_jax.planning.bench.targets import TARGETS, markdown
from tanuki_jax.planning.bench.timing import Timing

SUITES_OF_STEPS = ("step", "expert-step", "adapter-step")
STEP: Key = {"config": "8b", "rows": 1, "time": 8192, "layers": 32, "depth": "extrapolated"}


def result(benchmark: str, key: Key, variant: str, seconds: float, **figures: object) -> Result:
    measured = Figures(timing=Timing(seconds, seconds, seconds, 1), **figures)  # type: ignore[arg-type]
    return Result(
        benchmark=benchmark,
        case="a case",
        variant=variant,
        key=key,
        outcome="measured",
        figures=measured,
        ceiling=8e14,
    )


def cells(text: str) -> dict[str, str]:
    """Return the last cell of every target's row."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines()[2 : 2 + len(TARGETS)]]
    return {row[0]: row[-1] for row in rows}


def cell(text: str, words: str) -> str:
    (value,) = [value for name, value in cells(text).items() if words in name]
    return value


def test_a_target_without_a_result_is_not_measured_yet() -> None:
    assert set(cells(markdown([], {})).values()) == {"not measured yet"}


def test_every_target_of_a_kernel_is_measured_once_and_first() -> None:
    for target in TARGETS:
        if target.benchmark != "step":
            measurements = SUITES[target.benchmark](SIZES["full"])
            matching = [each for each in measurements if target.key.items() <= each.key.items()]
            assert len(matching) == 1 and matching[0].first, target.name


def test_every_target_of_a_step_matches_one_config_that_is_measured() -> None:
    measurements = [each for suite in SUITES_OF_STEPS for each in SUITES[suite](SIZES["full"])]
    for target in TARGETS:
        if target.benchmark == "step":
            # Results at full depth are derived from those at two depths.
            fields = target.key.items() - {("depth", "extrapolated")}
            assert {each.key["config"] for each in measurements if fields <= each.key.items()} == {target.key["config"]}


def test_targets_of_adapters_are_shown_with_speed_and_memory() -> None:
    measurements = list(SUITES["adapter-step"](SIZES["full"]))
    assert {each.case for each in measurements} == {f"{name}, 4 x 4096 packed, 32 layers" for name in ADAPTER_CONFIGS}
    assert {each.variant for each in measurements} == {"remat attention, save qkv, hidden", "remat attention"}
    for measurement in measurements:
        (target,) = [each for each in TARGETS if each.key.items() <= measurement.key.items()]
        notes = {"tokens/s": 13_500.0}
        tuned = result(
            "step", measurement.key, "remat attention", 1.0, flops=4e14, notes=notes, device_peak_bytes=65 * 2**30
        )
        assert cells(markdown([tuned], {}))[target.name] == "13,500 tokens/s, 65 GiB (remat attention)"


def test_the_fastest_step_and_the_shares_are_shown() -> None:
    both: Key = {"direction": "forward + backward", "time": 8192, "head_dim": 128}
    ours: Key = {"library": "tanuki_jax", "backend": "hopper"}
    slow, fast = {"tokens/s": 8000.0, "MFU": 0.40}, {"tokens/s": 9000.0, "MFU": 0.455}
    experts = {**STEP, "config": "8x8b", "layers": 4, "depth": "timed"}
    results = [
        result("attention", {"rows": "equal documents", **both, **ours}, "ours", 1e-3, notes={CUDNN_SHARE: 0.22}),
        result("step", {**STEP, "policy": "full"}, "remat full", 1.0, flops=4e14, notes=slow),
        result("step", {**STEP, "policy": "attention"}, "remat attention", 0.9, flops=4e14, notes=fast),
        result("step", experts, "remat full", 1.0, flops=4e14, notes={"tokens/s": 7000.0, "MFU": 0.41}),
        Result(
            benchmark="grouped-matmul",
            case="a case",
            variant="ours",
            key={"load": "balanced", "products": "all three", **ours},
            outcome="wrong",
            detail="dw is off",
        ),
    ]
    text = markdown(results, {"device": "NVIDIA H200", "versions": {"jax": "0.11.2"}, "date": "2026-01-02"})
    assert cell(text, "documents of 1,024") == "22%"
    assert cell(text, "step of 8B") == "46% MFU, 9,000 tokens/s at 32 layers extrapolated (remat attention)"
    assert cell(text, "step of 8x8B") == "41% MFU, 7,000 tokens/s at 4 layers (remat full)"
    assert cell(text, "grouped") == "wrong: dw is off"
    assert text.endswith("\nNVIDIA H200, jax 0.11.2, 2026-01-02.\n")


def test_the_readme_shows_the_table() -> None:
    root = Path(__file__).parents[3]
    report = root / "benchmarks" / "h200.json"
    results, about = read(report) if report.is_file() else ([], {})
    assert markdown(results, about) in (root / "README.md").read_text("utf-8")
