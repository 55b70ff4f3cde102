"""Targets of this project on one H200, and a table of them beside the results of a report."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from tanuki_jax.planning.bench import bench_report
from tanuki_jax.planning.bench.attention import DENSE_PEER
from tanuki_jax.planning.bench.bench_results import CUDNN_SHARE, MFU, Key, Result, direction
from tanuki_jax.planning.bench.step_timing import EXTRAPOLATED, TIMED
from tanuki_jax.planning.plan.plan_results import GIB


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """A figure to reach. It is compared with the fastest result of `benchmark` whose key has all fields of `key`."""

    name: str
    benchmark: str
    key: Key
    target: str
    stretch: str
    describe: Callable[[Result], str]
    """Returns a result's figures in words."""


def _tera(result: Result) -> str:
    assert result.figures is not None
    return f"{bench_report.tera(result.figures):.0f} TFLOP/s"


def _share_of_cudnn(result: Result) -> str:
    assert result.figures is not None
    share = result.figures.notes.get(CUDNN_SHARE)
    if isinstance(share, float):
        return f"{share:.0%}"
    return f"{bench_report.seconds(result.figures.timing.median)}; cuDNN was not measured"


def _share_of_ceiling(result: Result) -> str:
    assert result.figures is not None
    return f"{bench_report.share(result):.0%}, {result.figures.temporary_bytes / GIB:.2f} GiB of temporaries"


def _step(result: Result) -> str:
    assert result.figures is not None
    notes = result.figures.notes
    mfu = notes.get(MFU)
    share = f"{mfu:.0%} MFU, " if isinstance(mfu, float) else ""
    depth = f"{result.key['layers']} layers{' extrapolated' if result.matches('step', EXTRAPOLATED) else ''}"
    return f"{share}{notes['tokens/s']:,.0f} tokens/s at {depth} ({result.variant})"


def _adapter_step(result: Result) -> str:
    assert result.figures is not None
    peak = result.figures.device_peak_bytes or result.figures.peak_bytes
    return f"{result.figures.notes['tokens/s']:,.0f} tokens/s, {peak / GIB:.0f} GiB ({result.variant})"


BOTH: Key = {"direction": direction(backward=True)}
ATTENTION: Key = {"time": 8192, "head_dim": 128, **BOTH}
HOPPER: Key = {"library": "tanuki_jax", "backend": "hopper"}
TARGETS = (
    Target(
        name="attention, causal, one document, T 8192",
        benchmark="attention",
        key={"rows": "one document", **ATTENTION, **HOPPER},
        target="cuDNN in the same run",
        stretch="641 TFLOP/s (FA4)",
        describe=_tera,
    ),
    Target(
        name="attention by cuDNN, causal, one document, T 8192",
        benchmark="attention",
        key={"rows": "one document", **ATTENTION, **DENSE_PEER},
        target="",
        stretch="",
        describe=_tera,
    ),
    Target(
        name="attention on documents of exponential length, mean 1,024: time relative to cuDNN on one document",
        benchmark="attention",
        key={"rows": "exponential documents", **ATTENTION, **HOPPER},
        target="40%",
        stretch="28%",
        describe=_share_of_cudnn,
    ),
    Target(
        name="attention on documents of 1,024: time relative to cuDNN on one document",
        benchmark="attention",
        key={"rows": "equal documents", **ATTENTION, **HOPPER},
        target="25%",
        stretch="18%",
        describe=_share_of_cudnn,
    ),
    Target(
        name="linear + cross-entropy, 16k tokens x 65,024: useful FLOP/s relative to a matrix product",
        benchmark="cross-entropy",
        key={"counted_percent": 100, **BOTH, "library": "tanuki_jax"},
        target="55%, under 1 GiB",
        stretch="65%",
        describe=_share_of_ceiling,
    ),
    Target(
        name="grouped matmul, 8 experts, top-2, all three products: useful FLOP/s relative to a matrix product",
        benchmark="grouped-matmul",
        key={"load": "balanced", "products": "all three", **HOPPER},
        target="70%",
        stretch="85%",
        describe=_share_of_ceiling,
    ),
    Target(
        name="a step of 8B, T 8192 packed, 49.9 GFLOP a token",
        benchmark="step",
        key={"config": "8b", "time": 8192, **EXTRAPOLATED},
        target="45% MFU (8,900 tokens/s)",
        stretch="52% (10,300)",
        describe=_step,
    ),
    Target(
        name="a step of 8x8B with 4 layers, dropless, T 8192 packed",
        benchmark="step",
        key={"config": "8x8b", "time": 8192, "layers": 4, **TIMED},
        target="40% MFU",
        stretch="50%",
        describe=_step,
    ),
    Target(
        name="LoRA SFT of 8B, T 4096 packed, rank 128, dropout 0.05",
        benchmark="step",
        key={"config": "8b_sft_lora", "time": 4096, "layers": 32, **TIMED},
        target="13,000 tokens/s",
        stretch="16,000",
        describe=_adapter_step,
    ),
    Target(
        name="LoRA DPO of 8B, T 4096 packed, rank 128, reference computed in the step",
        benchmark="step",
        key={"config": "8b_dpo_lora", "time": 4096, "layers": 32, **TIMED},
        target="7,000 tokens/s",
        stretch="9,000",
        describe=_adapter_step,
    ),
)


def markdown(results: Sequence[Result], about: dict[str, Any]) -> str:
    """Return a table of targets and measurements, and a line with device, version and date."""
    lines = ["| | target | stretch | measured |", "|---|---|---|---|"]
    lines += [f"| {row.name} | {row.target} | {row.stretch} | {_measured(row, results)} |" for row in TARGETS]
    if not results:
        return "\n".join(lines) + "\n"
    versions = about.get("versions", {})
    return "\n".join([*lines, "", f"{about.get('device')}, jax {versions.get('jax')}, {about.get('date')}."]) + "\n"


def _measured(target: Target, results: Sequence[Result]) -> str:
    """Describe the fastest result of a target, or the outcome if there are no figures."""
    matching = [result for result in results if result.matches(target.benchmark, target.key)]
    measured = [(bench_report.tera(result.figures), result) for result in matching if result.figures is not None]
    if measured:
        return target.describe(max(measured, key=lambda pair: pair[0])[1])
    return f"{matching[0].outcome}: {matching[0].detail}" if matching else "not measured yet"
