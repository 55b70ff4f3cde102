"""PyTorch kernels, timed in a process of their own so that two frameworks do not share one memory pool."""

import functools
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from tanuki_jax.planning.bench.bench_results import Figures, Key, Measurement, Unavailable, Wrong
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
"""Package that a variant needs, by benchmark and variant."""

TIMEOUT = 120
"""Time limit of a peer's process in seconds, start and checks included."""


def measurements(
    benchmark: str, case: str, case_key: Key, shape: Mapping[str, Any], flops: float, first: bool
) -> Iterator[Measurement]:
    """Yield one for each installed peer; `shape` has the fields of `Attention` or `CrossEntropy` in `torch_peers`."""
    for variant, package in PACKAGES[benchmark].items():
        if importlib.util.find_spec(package) is not None:
            specification = {"benchmark": benchmark, "variant": variant, "shape": shape}
            key = {**case_key, "library": package, "backend": variant}
            take = functools.partial(_measure, specification, flops)
            yield Measurement(benchmark, case, variant, key, take, first)


def _measure(specification: Mapping[str, Any], flops: float, seconds: float) -> Figures:
    words = json.dumps({**specification, "seconds": seconds})
    command = [sys.executable, "-m", "tanuki_jax.planning.bench.torch_peers", words]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if finished.returncode:
        raise RuntimeError((finished.stderr.strip().splitlines() or ["the process ended without an error message"])[-1])
    result = json.loads(finished.stdout.splitlines()[-1])
    if result["unavailable"]:
        raise Unavailable(result["unavailable"])
    if result["wrong"]:
        raise Wrong(result["wrong"])
    timing, peak = Timing(**result["timing"]), result["peak_bytes"]
    return Figures(timing=timing, flops=flops, error=result["error"], device_peak_bytes=peak)
