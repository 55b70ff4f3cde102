"""PyTorch's kernels, timed in a process of their own, so that two frameworks do not share one memory pool."""

import functools
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from tanuki_jax.planning.bench.bench_results import Figures, Measurement, Unavailable, Wrong
from tanuki_jax.planning.bench.timing import Timing

PACKAGES = {
    "attention": {
        "torch SDPA, flash": "torch",
        "torch SDPA, cuDNN": "torch",
        "FlashAttention 2": "flash_attn",
        "FlashAttention 3": "flash_attn_interface",
    },
    "cross-entropy": {"Liger": "liger_kernel"},
}
"""Benchmark -> variant -> the package that it needs."""

LONGEST = 120
"""Seconds that a peer may take, start and checks included."""


def measurements(
    benchmark: str, case: str, shape: Mapping[str, Any], flops: float, first: bool
) -> Iterator[Measurement]:
    """One for each installed peer; `shape` are the fields of `Attention` or `CrossEntropy` in `torch_peers`."""
    for variant, package in PACKAGES[benchmark].items():
        if importlib.util.find_spec(package) is not None:
            specification = {"benchmark": benchmark, "variant": variant, "shape": shape}
            yield Measurement(benchmark, case, variant, functools.partial(_measure, specification, flops), first)


def _measure(specification: Mapping[str, Any], flops: float, seconds: float) -> Figures:
    words = json.dumps({**specification, "seconds": seconds})
    command = [sys.executable, "-m", "tanuki_jax.planning.bench.torch_peers", words]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    if finished.returncode:
        raise RuntimeError((finished.stderr.strip().splitlines() or ["the process died without a word"])[-1])
    said = json.loads(finished.stdout.splitlines()[-1])
    if said["unavailable"]:
        raise Unavailable(said["unavailable"])
    if said["wrong"]:
        raise Wrong(said["wrong"])
    return Figures(
        timing=Timing(**said["timing"]), flops=flops, error=said["error"], device_peak_bytes=said["peak_bytes"]
    )
