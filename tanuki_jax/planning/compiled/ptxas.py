"""Registers, spills and shared memory of Mosaic-GPU kernels, read from the assembler's output during compilation."""

import contextlib
import dataclasses
import os
import re
import sys
import tempfile
from collections.abc import Iterator

DUMP_ENVIRONMENT = {"MOSAIC_GPU_DUMP_PTXAS": "1", "MOSAIC_GPU_DUMP_RESOURCES": "1"}
"""Environment variables with which Mosaic prints the assembler's output and the shared memory it requests to stdout."""

KERNEL = re.compile(r"^ptxas info +: Compiling entry function '([^']+)'", re.MULTILINE)
SPILLS = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"^ptxas info +: Used (\d+) registers.*$", re.MULTILINE)
STATIC = re.compile(r"(\d+) bytes smem")
DYNAMIC = re.compile(r"smem_scratch_bytes=(\d+)")
BARRIERS = re.compile(r"num_barriers=(\d+)[^)]*\): (\d+)")
REMARK = re.compile(r"^ptxas (?:info|warning) +: (\(C\d+\) .*|.*[Ww]arning.*)$", re.MULTILINE)
LINE = re.compile(r" in around line \d+")
BARRIER_BYTES = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kernel:
    """One compiled kernel. Memory is in bytes; stack and spills are those of one thread."""

    name: str
    registers: int
    """Registers of a thread at entry; warpgroups that use setmaxnreg have more or fewer later."""
    stack: int
    spill_stores: int
    spill_loads: int
    shared_static: int
    """Shared memory in addition to that requested at launch."""
    remarks: tuple[str, ...] = ()
    """Warnings of the assembler."""

    @property
    def spills(self) -> bool:
        return self.spill_stores + self.spill_loads > 0


def parse(text: str) -> list[Kernel]:
    """Return the kernels of a log. A kernel that this process compiled before is not compiled, so not logged, again."""
    begins = [match.start() for match in KERNEL.finditer(text)]
    kernels = []
    for number, begin in enumerate(begins):
        # Warnings of a kernel precede the line with its name and follow the compile time of the previous kernel.
        before = text[begins[number - 1] if number else 0 : begin].rpartition("Compile time")[2]
        section = text[begin : (*begins, len(text))[number + 1]]
        name, used, spills = KERNEL.search(section), USED.search(section), SPILLS.search(section)
        assert name and used and spills, f"the assembler's output has an unknown form: {section!r}"
        static = STATIC.search(used.group(0))
        stack, stores, loads = map(int, spills.groups())
        kernels.append(
            Kernel(
                name=name.group(1),
                registers=int(used.group(1)),
                stack=stack,
                spill_stores=stores,
                spill_loads=loads,
                shared_static=int(static.group(1)) if static else 0,
                remarks=tuple(dict.fromkeys(LINE.sub("", remark) for remark in REMARK.findall(before))),
            )
        )
    return kernels


def requested(text: str) -> list[int]:
    """Return the bytes of shared memory (tiles, barriers) that each kernel requests at launch, in order of lowering."""
    return [_bytes(line) for line in text.splitlines() if line.startswith("Resources(")]


def _bytes(line: str) -> int:
    scratch = DYNAMIC.search(line)
    assert scratch, line
    return int(scratch.group(1)) + BARRIER_BYTES * sum(int(size) * int(count) for size, count in BARRIERS.findall(line))


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Collect stdout of this process, C++ included, with the dumps on. The list holds the text after the block."""
    output: list[str] = []
    before = {name: os.environ.get(name) for name in DUMP_ENVIRONMENT}
    sys.stdout.flush()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        stdout = os.dup(1)
        os.dup2(file.fileno(), 1)
        os.environ.update(DUMP_ENVIRONMENT)
        try:
            # sys.stdout need not write to descriptor 1, for example under pytest.
            with contextlib.redirect_stdout(os.fdopen(os.dup(1), "w", encoding="utf-8")) as printed, printed:
                yield output
        finally:
            os.dup2(stdout, 1)
            os.close(stdout)
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            file.seek(0)
            output.append(file.read())
