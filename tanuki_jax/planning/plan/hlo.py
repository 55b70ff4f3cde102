"""The text of a compiled program (XLA's HLO) as instructions, and how often each of them runs."""

import re
from collections.abc import Iterator
from typing import NamedTuple

COMPUTATION = re.compile(r"(ENTRY )?%?([\w.-]+) \(.*\) -> .* \{$")
INSTRUCTION = re.compile(r"\s+(ROOT )?%?([\w.-]+) = ")
OPCODE = re.compile(r" ?([a-z][a-z0-9-]*)\(")
ARRAY = re.compile(r"\b(pred|token|[a-z]+\d+\w*)\[([\d,<=]*)\](\{[^{}]*\})?")
NAME = re.compile(r"%([\w.-]+)")
TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
HOST = "S(5)"
"""How a layout says that an array is in the host's memory."""


class Array(NamedTuple):
    """An array of an instruction's type."""

    dtype: str
    shape: tuple[int, ...]
    on_host: bool

    @property
    def bytes(self) -> int:
        size = 1
        for dim in self.shape:
            size *= dim
        return size * _bits(self.dtype) // 8


class Instruction(NamedTuple):
    name: str
    opcode: str
    arrays: tuple[Array, ...]
    """Of the result; several of a tuple, in order."""
    operands: tuple[str, ...]
    """Names of instructions; of a parameter its number, of a constant its value."""
    attributes: str
    """What follows the operands, metadata included."""
    root: bool

    @property
    def bytes(self) -> int:
        return sum(array.bytes for array in self.arrays)

    def called(self, attribute: str) -> str:
        """The computation that `attribute` names; empty if none."""
        found = re.search(rf"\b{attribute}=%?([\w.-]+)", self.attributes)
        return found[1] if found else ""

    @property
    def scope(self) -> str:
        """Where in the traced function it is from: jit(step)/while/body/... ."""
        found = re.search(r'op_name="([^"]*)"', self.attributes)
        return found[1] if found else ""


class Computation(NamedTuple):
    instructions: dict[str, Instruction]
    """By name, in order."""

    @property
    def root(self) -> Instruction:
        return next(each for each in self.instructions.values() if each.root)

    @property
    def parameters(self) -> list[Instruction]:
        """In their order."""
        found = [each for each in self.instructions.values() if each.opcode == "parameter"]
        return sorted(found, key=lambda each: int(each.operands[0]))


class Run(NamedTuple):
    """An instruction that the program executes, and how often."""

    instruction: Instruction
    within: Computation
    times: int


class Program(NamedTuple):
    computations: dict[str, Computation]
    entry: str

    def runs(self) -> Iterator[Run]:
        """Every instruction outside fusions, with loops and calls opened; a loop whose length the compiler does not know counts once."""
        return self._of(self.entry, 1)

    def _of(self, name: str, times: int) -> Iterator[Run]:
        computation = self.computations[name]
        for instruction in computation.instructions.values():
            yield Run(instruction, computation, times)
            for called, repeats in self.opened(instruction):
                yield from self._of(called, times * repeats)

    def opened(self, instruction: Instruction) -> list[tuple[str, int]]:
        """The computations that an instruction runs, but for the bodies of fusions and reductions, and how often each."""
        if instruction.opcode == "while":
            return [(instruction.called("body"), self._trips(instruction))]
        if instruction.opcode == "conditional":
            branches = re.search(r"branch_computations=\{([^}]*)\}", instruction.attributes)
            both = instruction.called("true_computation"), instruction.called("false_computation")
            return [(name, 1) for name in (NAME.findall(branches[1]) if branches else both)]
        if instruction.opcode == "call":
            return [(instruction.called("to_apply"), 1)]
        if instruction.opcode == "async-start":
            return [(instruction.called("calls"), 1)]
        return []

    def _trips(self, loop: Instruction) -> int:
        """As the compiler notes it, or, for TPUs, by the constant up to which a scan counts from 0; 1 if neither tells."""
        if noted := TRIPS.search(loop.attributes):
            return int(noted[1])
        condition = self.computations[loop.called("condition")]
        limit = condition.instructions.get(condition.root.operands[-1]) if condition.root.operands else None
        counts = condition.root.opcode == "compare" and "direction=LT" in condition.root.attributes
        return int(limit.operands[0]) if counts and limit is not None and limit.opcode == "constant" else 1


def parse(text: str) -> Program:
    """What `jax.stages.Compiled.as_text` gives."""
    computations: dict[str, Computation] = {}
    entry, current = "", Computation({})
    for line in text.splitlines():
        if line.endswith("{") and (header := COMPUTATION.match(line)):
            current = computations[header[2]] = Computation({})
            entry = header[2] if header[1] else entry
        elif match := INSTRUCTION.match(line):
            instruction = _instruction(match[2], bool(match[1]), line[match.end() :])
            current.instructions[instruction.name] = instruction
    assert entry, "the text has no entry computation"
    return Program(computations, entry)


def _instruction(name: str, root: bool, rest: str) -> Instruction:
    """From what follows the name: TYPE OPCODE(OPERANDS), ATTRIBUTES."""
    end = _close(rest, 0) if rest.startswith("(") else rest.index(" ")
    kind = rest[:end]
    opcode = OPCODE.match(rest, end)
    assert opcode, rest[:200]
    last = _close(rest, opcode.end() - 1)
    inside = rest[opcode.end() : last - 1]
    operands = (inside,) if opcode[1] in ("parameter", "constant") else tuple(NAME.findall(inside))
    return Instruction(name, opcode[1], arrays_of(kind), operands, rest[last:], root)


def arrays_of(kind: str) -> tuple[Array, ...]:
    """The arrays in a type, in order."""
    found = []
    for dtype, shape, layout in ARRAY.findall(kind):
        dims = tuple(int(dim.lstrip("<=")) for dim in shape.split(",") if dim)
        found.append(Array(dtype, dims, HOST in layout))
    return tuple(found)


def _close(text: str, start: int) -> int:
    """The place after the parenthesis that closes the one at `start`."""
    depth = 0
    for place in range(start, len(text)):
        if text[place] == "(":
            depth += 1
        elif text[place] == ")":
            depth -= 1
            if not depth:
                return place + 1
    raise AssertionError(f"a parenthesis is not closed: {text[:200]}")


def _bits(dtype: str) -> int:
    """Of an element: the number in the name of its type."""
    if dtype == "token":
        return 0
    if dtype == "pred":
        return 8
    found = re.match(r"[a-z]+(\d+)", dtype)
    assert found, dtype
    return int(found[1])
