"""The figures that we want to reach on one H200, and what a report says of them."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from tanuki_jax.planning.bench import bench_report as report
from tanuki_jax.planning.bench.attention import DENSE_PEER, SHARE
from tanuki_jax.planning.bench.bench_results import Result

GIB = 2**30


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bar:
    """A figure to reach. Its results are those of `benchmark` and `variant` whose case has all the words of `case`."""

    what: str
    benchmark: str
    case: tuple[str, ...]
    variant: str
    bar: str
    stretch: str
    say: Callable[[Result], str]
    """What was measured, in words."""


def _tera(result: Result) -> str:
    assert result.figures is not None
    return f"{report.tera(result.figures):.0f} TFLOP/s"


def _of_cudnn(result: Result) -> str:
    assert result.figures is not None
    share = result.figures.notes.get(SHARE)
    return (
        f"{share:.0%}"
        if isinstance(share, float)
        else f"{report.seconds(result.figures.timing.median)}; cuDNN was not measured"
    )


def _of_ceiling(result: Result) -> str:
    assert result.figures is not None
    return f"{report.share(result):.0%}, {result.figures.temporary_bytes / GIB:.2f} GiB of temporaries"


def _step(result: Result) -> str:
    assert result.figures is not None
    notes = result.figures.notes
    mfu = notes.get("MFU")
    share = f"{mfu:.0%} MFU, " if isinstance(mfu, float) else ""
    return f"{share}{notes['tokens/s']:,.0f} tokens/s at {result.case.rpartition(', ')[2]} ({result.variant})"


def _tuned(result: Result) -> str:
    assert result.figures is not None
    peak = result.figures.device_peak_bytes or result.figures.peak_bytes
    return f"{result.figures.notes['tokens/s']:,.0f} tokens/s, {peak / GIB:.0f} GiB ({result.variant})"


BOTH = "forward + backward"
BARS = (
    Bar(
        what="attention, causal, one document, T 8192",
        benchmark="attention",
        case=("one document", "T 8192", "D 128", BOTH),
        variant="tanuki_jax hopper",
        bar="cuDNN in the same run",
        stretch="641 TFLOP/s (FA4)",
        say=_tera,
    ),
    Bar(
        what="the same by cuDNN",
        benchmark="attention",
        case=("one document", "T 8192", "D 128", BOTH),
        variant=DENSE_PEER,
        bar="",
        stretch="",
        say=_tera,
    ),
    Bar(
        what="attention on documents of exponential length, mean 1,024: time of cuDNN's on one document",
        benchmark="attention",
        case=("documents of mean 1024", "T 8192", "D 128", BOTH),
        variant="tanuki_jax hopper",
        bar="40%",
        stretch="28%",
        say=_of_cudnn,
    ),
    Bar(
        what="attention on documents of 1,024: time of cuDNN's on one document",
        benchmark="attention",
        case=("documents of 1024", "T 8192", "D 128", BOTH),
        variant="tanuki_jax hopper",
        bar="25%",
        stretch="18%",
        say=_of_cudnn,
    ),
    Bar(
        what="linear + cross-entropy, 16k tokens x 65,024: useful FLOPs of the matrix product's",
        benchmark="cross-entropy",
        case=("100% of weight one", BOTH),
        variant="tanuki_jax",
        bar="55%, under 1 GiB",
        stretch="65%",
        say=_of_ceiling,
    ),
    Bar(
        what="grouped matmul, 8 experts, top-2, all three products: of the matrix product's FLOP/s",
        benchmark="grouped-matmul",
        case=("balanced", "all three"),
        variant="tanuki_jax hopper",
        bar="70%",
        stretch="85%",
        say=_of_ceiling,
    ),
    Bar(
        what="a whole step of 8B, T 8192 packed, 49.9 GFLOP a token",
        benchmark="step",
        case=("x 8192 packed", "extrapolated"),
        variant="",
        bar="45% MFU (8,900 tokens/s)",
        stretch="52% (10,300)",
        say=_step,
    ),
    Bar(
        what="a step of 8x8B, 4 of its layers, dropless, T 8192 packed, causal",
        benchmark="step",
        case=("8x8b, ", "x 8192 packed, 4 layers"),
        variant="",
        bar="40% MFU",
        stretch="50%",
        say=_step,
    ),
    Bar(
        what="LoRA SFT of 8B, T 4096 packed, rank 128, dropout 0.05",
        benchmark="step",
        case=("8b_sft_lora, ", "x 4096 packed, 32 layers"),
        variant="",
        bar="13,000 tokens/s",
        stretch="16,000",
        say=_tuned,
    ),
    Bar(
        what="LoRA DPO of 8B, T 4096 packed, rank 128, its reference computed too",
        benchmark="step",
        case=("8b_dpo_lora, ", "x 4096 packed, 32 layers"),
        variant="",
        bar="7,000 tokens/s",
        stretch="9,000",
        say=_tuned,
    ),
)


def markdown(results: Sequence[Result], about: dict[str, Any]) -> str:
    """A table of the bars, with a line on where and when they were measured; what was not measured says so."""
    lines = ["| | bar | stretch | measured |", "|---|---|---|---|"]
    lines += [f"| {bar.what} | {bar.bar} | {bar.stretch} | {_measured(bar, results)} |" for bar in BARS]
    if not results:
        return "\n".join(lines) + "\n"
    versions = about.get("versions", {})
    return "\n".join([*lines, "", f"{about.get('device')}, jax {versions.get('jax')}, {about.get('date')}."]) + "\n"


def _measured(bar: Bar, results: Sequence[Result]) -> str:
    """The fastest of the results that the bar is about; or what became of them."""
    found = [
        result
        for result in results
        if result.benchmark == bar.benchmark
        and result.variant.startswith(bar.variant)
        and all(words in result.case for words in bar.case)
    ]
    measured = [(report.tera(result.figures), result) for result in found if result.figures is not None]
    if measured:
        return bar.say(max(measured, key=lambda pair: pair[0])[1])
    return f"{found[0].outcome}: {found[0].detail}" if found else "not measured yet"
