"""The table of figures to reach."""

from pathlib import Path

from tanuki_jax.planning.bench import attention
from tanuki_jax.planning.bench import suites as parts
from tanuki_jax.planning.bench.bench_report import read
from tanuki_jax.planning.bench.bench_results import Figures, Result
from tanuki_jax.planning.bench.sizes import SIZES
from tanuki_jax.planning.bench.targets import BARS, markdown
from tanuki_jax.planning.bench.timing import Timing


def result(benchmark: str, case: str, variant: str, seconds: float, **figures: object) -> Result:
    timing = Timing(seconds, seconds, seconds, 1)
    measured = Figures(timing=timing, **figures)  # type: ignore[arg-type]
    return Result(benchmark=benchmark, case=case, variant=variant, outcome="measured", figures=measured, ceiling=8e14)


def cells(text: str) -> dict[str, str]:
    """What was measured of each bar."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines()[2 : 2 + len(BARS)]]
    return {row[0]: row[-1] for row in rows}


def test_what_was_not_measured_says_so() -> None:
    assert set(cells(markdown([], {})).values()) == {"not measured yet"}


def test_every_bar_is_about_something_that_is_measured_first() -> None:
    sizes = SIZES["full"]
    for bar in BARS:
        if bar.benchmark == "step":
            continue
        found = [
            each
            for each in parts.PARTS[bar.benchmark](sizes)
            if each.variant == bar.variant and all(word in each.case for word in bar.case)
        ]
        assert len(found) == 1 and found[0].first, bar.what


def test_the_bars_of_adapters_are_about_the_two_steps_that_are_measured() -> None:
    found = list(parts.PARTS["adapter-step"](SIZES["full"]))
    assert {each.case for each in found} == {f"{name}, 4 x 4096 packed, 32 layers" for name in parts.ADAPTED}
    assert {each.variant for each in found} == {"remat attention, save qkv, hidden", "remat attention"}
    for case in {each.case for each in found}:
        [bar] = [bar for bar in BARS if bar.benchmark == "step" and all(words in case for words in bar.case)]
        tuned = result(
            "step", case, "remat attention", 1.0, flops=4e14, notes={"tokens/s": 13_500.0}, device_peak_bytes=65 * 2**30
        )
        assert cells(markdown([tuned], {}))[bar.what] == "13,500 tokens/s, 65 GiB (remat attention)"


def test_the_best_step_and_the_shares_are_shown() -> None:
    fixed = next(
        case for case in attention.cases(SIZES["full"]) if case.rows.startswith("documents of 1024") and case.backward
    )
    notes = {"tokens/s": 9000.0, "MFU": 0.455}
    text = markdown(
        [
            result("attention", fixed.name, "tanuki_jax hopper", 1e-3, notes={attention.SHARE: 0.22}),
            result(
                "step",
                "8b, 1 x 8192 packed, 32 layers extrapolated",
                "remat full",
                1.0,
                flops=4e14,
                notes={"tokens/s": 8000.0, "MFU": 0.40},
            ),
            result(
                "step", "8b, 1 x 8192 packed, 32 layers extrapolated", "remat attention", 0.9, flops=4e14, notes=notes
            ),
            result(
                "step",
                "8x8b, 2 x 8192 packed, 4 layers",
                "remat full",
                1.0,
                flops=4e14,
                notes={"tokens/s": 7000.0, "MFU": 0.41},
            ),
            Result(
                benchmark="grouped-matmul",
                case="balanced, all three",
                variant="tanuki_jax hopper",
                outcome="wrong",
                detail="dw is off",
            ),
        ],
        {"device": "NVIDIA H200", "versions": {"jax": "0.11.2"}, "date": "2026-01-02"},
    )
    said = cells(text)
    assert [value for what, value in said.items() if "documents of 1,024" in what] == ["22%"]
    assert [value for what, value in said.items() if "step of 8B" in what] == [
        "46% MFU, 9,000 tokens/s at 32 layers extrapolated (remat attention)"
    ]
    assert [value for what, value in said.items() if "step of 8x8B" in what] == [
        "41% MFU, 7,000 tokens/s at 4 layers (remat full)"
    ]
    assert [value for what, value in said.items() if "grouped" in what] == ["wrong: dw is off"]
    assert text.endswith("\nNVIDIA H200, jax 0.11.2, 2026-01-02.\n")


def test_the_readme_shows_what_was_measured() -> None:
    root = Path(__file__).parents[3]
    measured = root / "benchmarks" / "h200.json"
    results, about = read(measured) if measured.is_file() else ([], {})
    assert markdown(results, about) in (root / "README.md").read_text("utf-8")
