"""Kernels and steps compiled to machine code for a GPU that need not be present, and a report of the results."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import jax
import rich.box
import rich.console
import rich.table

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.progress import progress
from tanuki_jax.config.hardware import Hardware
from tanuki_jax.planning.bench import bench_report
from tanuki_jax.planning.bench.bench_results import first_line
from tanuki_jax.planning.bench.sizes import SIZES, Sizes
from tanuki_jax.planning.bench.suites import PACKAGES, versions
from tanuki_jax.planning.bench.timed_program import memory
from tanuki_jax.planning.compiled import ptxas
from tanuki_jax.planning.compiled.compile_cases import Program, Work, programs
from tanuki_jax.planning.plan.target import parse

DEVICES = 8
SHARED_MEMORY = 232_448
"""Largest shared memory of a block on Hopper, in bytes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prediction:
    """Shortest possible time of a run: that of its FLOPs or of its bytes, whichever is longer."""

    data: str
    useful_flops: float
    issued_flops: float
    seconds: float
    bound: str
    """Resource that takes that time: `products` or `bytes`."""

    @property
    def tera(self) -> float:
        """Useful TFLOP/s of a run in that time."""
        return self.useful_flops / self.seconds / 1e12


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compiled:
    """Results of compiling a program."""

    name: str
    error: str = ""
    """Reason if the program could not be compiled."""
    kernels: tuple[ptxas.Kernel, ...] = ()
    """Mosaic-GPU kernels, without those that this process compiled before."""
    shared_memory: tuple[int, ...] = ()
    """Bytes that each kernel requests at launch, in the order of lowering."""
    memory: dict[str, int] = dataclasses.field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()

    @property
    def faults(self) -> list[str]:
        """Reasons to fail the command."""
        spilling = [
            f"{kernel.name} spills {kernel.spill_stores + kernel.spill_loads} bytes"
            for kernel in self.kernels
            if kernel.spills
        ]
        too_large = [
            f"a kernel requests {size} bytes of shared memory" for size in self.shared_memory if size > SHARED_MEMORY
        ]
        return [f"{self.name}: {fault}" for fault in (*([self.error] if self.error else []), *spilling, *too_large)]


def predict(work: Work, moved_bytes: int, hardware: Hardware) -> Prediction:
    """Predict by a roofline (Williams et al. 2009) with the rates that the device reaches, not the vendor's peaks."""
    products, traffic = work.issued / hardware.flops("matmul"), work.rows * moved_bytes / hardware.memory
    return Prediction(
        data=work.data,
        useful_flops=work.useful,
        issued_flops=work.issued,
        seconds=max(products, traffic),
        bound="products" if products >= traffic else "bytes",
    )


def compile_program(program: Program, chips: Sequence[jax.Device], hardware: Hardware) -> Compiled:
    """Compile a program. An exception becomes the error of the result."""
    try:
        with ptxas.listening() as output:
            compiled = program.lower(chips).compile()
    except Exception as error:
        return Compiled(name=program.name, error=first_line(error))
    held = memory(compiled)
    return Compiled(
        name=program.name,
        kernels=tuple(ptxas.parse(output[0])),
        shared_memory=tuple(ptxas.requested(output[0])),
        memory=held,
        predictions=tuple(predict(work, held["moved_bytes"], hardware) for work in program.work),
    )


def run(target: str, path: Path | None, programs: Callable[[Sizes], Iterable[Program]] = programs) -> int:
    """Compile the programs for a target, print the results, and add them to the report `path`.

    Returns:
        0, or 1 if a program could not be compiled or has a fault.
    """
    cluster = parse(f"{target}:1x{DEVICES}")
    chips = cluster.devices()
    results = []
    with progress("compiling", None, "program") as advance:
        for program in programs(SIZES["full"]):
            advance.print(program.name)
            results.append(compile_program(program, chips, cluster.hardware))
            advance()
    rich.console.Console(width=200).print(table(results))
    faults = [fault for result in results for fault in result.faults]
    if path is not None:
        keep(path, target, results)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def keep(path: Path, target: str, results: Sequence[Compiled], version: str = jax.__version__) -> None:
    """Add the results of a version of jax to the report; those of other versions are kept."""
    report: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    entry = {"versions": versions(PACKAGES), "programs": [_to_json(result) for result in results]}
    report = {"target": target, "jax": report.get("jax", {}) | {version: entry}}
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def _to_json(compiled: Compiled) -> dict[str, Any]:
    value = dataclasses.asdict(compiled)
    for prediction, fields in zip(compiled.predictions, value["predictions"], strict=True):
        fields["useful_tflops"] = prediction.tera
    return value


def table(results: Sequence[Compiled]) -> rich.table.Table:
    """Return a table with a row for each program, each of its kernels and each prediction."""
    shown = rich.table.Table(box=rich.box.SIMPLE)
    for column in ("program", "registers", "spills", "stack", "shared memory", "temporary", "peak", "at best"):
        shown.add_column(column, justify="left" if column in ("program", "at best") else "right", overflow="fold")
    for result in results:
        shown.add_section()
        sizes = [bench_report.size(result.memory.get(name, 0)) for name in ("temporary_bytes", "peak_bytes")]
        shared = " ".join(map(str, result.shared_memory))
        shown.add_row(f"[bold]{result.name}", "", "", "", shared, *sizes, result.error)
        for kernel in result.kernels:
            spills = f"{kernel.spill_stores} + {kernel.spill_loads}"
            shown.add_row(
                f"  {kernel.name}",
                str(kernel.registers),
                spills,
                str(kernel.stack),
                f"+ {kernel.shared_static}",
                "",
                "",
                "\n".join(kernel.remarks),
            )
        for prediction in result.predictions:
            time, data = bench_report.seconds(prediction.seconds), f" on {prediction.data}" if prediction.data else ""
            best = f"{time}, {prediction.tera:.0f} TFLOP/s{data} ({prediction.bound})"
            shown.add_row("", "", "", "", "", "", "", best)
    return shown
