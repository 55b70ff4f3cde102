"""Compiles kernels and steps to machine code for an accelerator that need not be here, and says what came of it."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import rich.box
import rich.console
import rich.table

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.progress import progress
from tanuki_jax.config.hardware import Hardware
from tanuki_jax.planning.bench import bench_report as report
from tanuki_jax.planning.bench.bench_results import first_line
from tanuki_jax.planning.bench.sizes import SIZES
from tanuki_jax.planning.bench.suites import PACKAGES, versions
from tanuki_jax.planning.bench.timed_program import memory
from tanuki_jax.planning.compiled import ptxas
from tanuki_jax.planning.compiled.compile_cases import Program, Work, programs
from tanuki_jax.planning.plan.target import parse

DEVICES = 8
SHARED_MEMORY = 232_448
"""Most shared memory of a block on Hopper, in bytes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prediction:
    """The least time that a run can take: that of its FLOPs or of its bytes, whichever is longer."""

    data: str
    useful_flops: float
    issued_flops: float
    seconds: float
    bound: str
    """`products` or `bytes`."""

    @property
    def tera(self) -> float:
        """Useful TFLOP/s in that time."""
        return self.useful_flops / self.seconds / 1e12


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compiled:
    """What is known of a compiled program. `error` says why one could not be compiled."""

    name: str
    error: str = ""
    kernels: tuple[ptxas.Kernel, ...] = ()
    """Those of ours and of JAX's Pallas that were not compiled for a program before."""
    shared_memory: tuple[int, ...] = ()
    """Bytes that each kernel asks for at launch, in the order of lowering."""
    memory: dict[str, int] = dataclasses.field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()

    @property
    def faults(self) -> list[str]:
        """What makes the command fail."""
        spilling = [
            f"{kernel.name} spills {kernel.spill_stores + kernel.spill_loads} bytes"
            for kernel in self.kernels
            if kernel.spills
        ]
        too_large = [
            f"a kernel asks for {size} bytes of shared memory" for size in self.shared_memory if size > SHARED_MEMORY
        ]
        return [f"{self.name}: {fault}" for fault in (*([self.error] if self.error else []), *spilling, *too_large)]


def predict(work: Work, moved_bytes: int, hardware: Hardware) -> Prediction:
    """Roofline (Williams et al. 2009) with the rates that such a device reaches in large products and copies, not with the vendor's."""
    products, moves = work.issued / hardware.flops("matmul"), work.rows * moved_bytes / hardware.memory
    return Prediction(
        data=work.data,
        useful_flops=work.useful,
        issued_flops=work.issued,
        seconds=max(products, moves),
        bound="products" if products >= moves else "bytes",
    )


def compile_program(program: Program, chips: Sequence[jax.Device], hardware: Hardware) -> Compiled:
    """Compiles; what is raised becomes the error."""
    try:
        with ptxas.listening() as heard:
            compiled = program.lower(chips).compile()
    except Exception as error:
        return Compiled(name=program.name, error=first_line(error))
    held = memory(compiled)
    return Compiled(
        name=program.name,
        kernels=tuple(ptxas.parse(heard[0])),
        shared_memory=tuple(ptxas.requested(heard[0])),
        memory=held,
        predictions=tuple(predict(work, held["moved_bytes"], hardware) for work in program.work),
    )


def run(target: str, path: Path | None) -> int:
    """Compiles everything for a target, prints it, and keeps it in `path` beside what other versions of jax made of it.

    Returns:
        0, or 1 if anything could not be compiled or spills.
    """
    cluster = parse(f"{target}:1x{DEVICES}")
    chips = cluster.devices()
    found = []
    with progress("compiling", None, "program") as advance:
        for program in programs(SIZES["full"]):
            advance.print(program.name)
            found.append(compile_program(program, chips, cluster.hardware))
            advance()
    rich.console.Console(width=200).print(table(found))
    faults = [fault for each in found for fault in each.faults]
    if path is not None:
        _keep(path, target, found)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def _keep(path: Path, target: str, found: Sequence[Compiled]) -> None:
    """Adds what this version of jax made of the programs to the report."""
    kept: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    of_jax = {"versions": versions(PACKAGES), "programs": [_described(each) for each in found]}
    kept = {"target": target, "jax": kept.get("jax", {}) | {jax.__version__: of_jax}}
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def _described(compiled: Compiled) -> dict[str, Any]:
    described = dataclasses.asdict(compiled)
    for prediction, value in zip(compiled.predictions, described["predictions"], strict=True):
        value["useful_tflops"] = prediction.tera
    return described


def table(found: Sequence[Compiled]) -> rich.table.Table:
    """A line for each program, each of its kernels and each prediction."""
    shown = rich.table.Table(box=rich.box.SIMPLE)
    for column in ("program", "registers", "spills", "stack", "shared memory", "temporary", "peak", "at best"):
        shown.add_column(column, justify="left" if column in ("program", "at best") else "right", overflow="fold")
    for each in found:
        shown.add_section()
        sizes = [report.size(each.memory.get(name, 0)) for name in ("temporary_bytes", "peak_bytes")]
        shown.add_row(f"[bold]{each.name}", "", "", "", " ".join(map(str, each.shared_memory)), *sizes, each.error)
        for kernel in each.kernels:
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
        for prediction in each.predictions:
            time, of = report.seconds(prediction.seconds), f" on {prediction.data}" if prediction.data else ""
            shown.add_row("", "", "", "", "", "", "", f"{time}, {prediction.tera:.0f} TFLOP/s{of} ({prediction.bound})")
    return shown
