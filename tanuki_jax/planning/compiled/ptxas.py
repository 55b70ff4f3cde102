"""What the assembler said of the Mosaic-GPU kernels of a program while it was compiled: registers, spills, shared memory."""

import contextlib
import dataclasses
import os
import re
import sys
import tempfile
from collections.abc import Iterator

SAID_ON_REQUEST = {"MOSAIC_GPU_DUMP_PTXAS": "1", "MOSAIC_GPU_DUMP_RESOURCES": "1"}
"""Environment under which Mosaic prints, on stdout, the assembler's words and the shared memory that it asks for."""

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
    """Of a thread at entry. Warpgroups that change theirs (setmaxnreg) have more or fewer later."""
    stack: int
    spill_stores: int
    spill_loads: int
    shared_static: int
    """Shared memory beside what is asked for at launch."""
    remarks: tuple[str, ...] = ()
    """What the assembler warned of."""

    @property
    def spills(self) -> bool:
        return self.spill_stores + self.spill_loads > 0


def parse(text: str) -> list[Kernel]:
    """The kernels that a log speaks of. A kernel that this process compiled before is not compiled, or spoken of, again."""
    begins = [match.start() for match in KERNEL.finditer(text)]
    kernels = []
    for number, begin in enumerate(begins):
        # What is remarked of a kernel comes before the line with its name, and after what was said of the one before.
        before = text[begins[number - 1] if number else 0 : begin].rpartition("Compile time")[2]
        part = text[begin : (*begins, len(text))[number + 1]]
        name, used, spills = KERNEL.search(part), USED.search(part), SPILLS.search(part)
        assert name and used and spills, f"the assembler's words are not understood: {part!r}"
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
    """Bytes of shared memory, tiles and barriers, that each kernel of a program asks for at launch, in the order of its lowering."""
    return [_bytes(line) for line in text.splitlines() if line.startswith("Resources(")]


def _bytes(line: str) -> int:
    scratch = DYNAMIC.search(line)
    assert scratch, line
    return int(scratch.group(1)) + BARRIER_BYTES * sum(int(size) * int(count) for size, count in BARRIERS.findall(line))


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Collects what is printed on stdout by anyone in this process, C++ included; the list holds the text once the block is left."""
    heard: list[str] = []
    before = {name: os.environ.get(name) for name in SAID_ON_REQUEST}
    sys.stdout.flush()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        kept = os.dup(1)
        os.dup2(file.fileno(), 1)
        os.environ.update(SAID_ON_REQUEST)
        try:
            # Python's own stdout need not be the process's.
            with contextlib.redirect_stdout(os.fdopen(os.dup(1), "w", encoding="utf-8")) as printed, printed:
                yield heard
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            file.seek(0)
            heard.append(file.read())
