"""Parser of compiled programs (XLA's HLO text): instructions, and how often each of them runs."""

import re
from collections.abc import Iterator
from typing import NamedTuple

# A program is a list of computations; each line of a computation is an instruction:
#   %body.1 (param.1: (s32[], f32[8])) -> (s32[], f32[8]) {
#     ROOT %add.2 = f32[8]{0:T(256)} add(%a, %b), metadata={op_name="jit(step)/add"}
COMPUTATION = re.compile(r"(ENTRY )?%?([\w.-]+) \(.*\) -> .* \{$")
INSTRUCTION = re.compile(r"\s+(ROOT )?%?([\w.-]+) = ")
OPCODE = re.compile(r" ?([a-z][a-z0-9-]*)\(")
ARRAY = re.compile(r"\b(pred|token|[a-z]+\d+\w*)\[([\d,<=]*)\](\{[^{}]*\})?")
NAME = re.compile(r"%([\w.-]+)")
TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
HOST = "S(5)"
"""Mark in a layout of an array in the host's memory."""


class Array(NamedTuple):
    """An array in the type of an instruction."""

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
    """An instruction of a computation."""

    name: str
    opcode: str
    arrays: tuple[Array, ...]
    """Arrays of the result; several if it is a tuple, in order."""
    operands: tuple[str, ...]
    """Names of instructions; for a parameter its number, for a constant its value."""
    attributes: str
    """Text after the operands, metadata included."""
    root: bool

    @property
    def bytes(self) -> int:
        return sum(array.bytes for array in self.arrays)

    def called(self, attribute: str) -> str:
        """Return the computation that `attribute` names; empty if there is none."""
        match = re.search(rf"\b{attribute}=%?([\w.-]+)", self.attributes)
        return match[1] if match else ""

    @property
    def scope(self) -> str:
        """Origin in the traced function, as in jit(step)/while/body/sin; empty if unknown."""
        match = re.search(r'op_name="([^"]*)"', self.attributes)
        return match[1] if match else ""


class Computation(NamedTuple):
    """A named list of instructions, such as the body of a loop or a fusion."""

    instructions: dict[str, Instruction]
    """Instructions by name, in order."""

    @property
    def root(self) -> Instruction:
        return next(each for each in self.instructions.values() if each.root)

    @property
    def parameters(self) -> list[Instruction]:
        """Parameters by number."""
        parameters = [each for each in self.instructions.values() if each.opcode == "parameter"]
        return sorted(parameters, key=lambda each: int(each.operands[0]))


class Run(NamedTuple):
    """An instruction that the program executes, its computation, and how often it runs."""

    instruction: Instruction
    within: Computation
    times: int


class Program(NamedTuple):
    """A compiled program."""

    computations: dict[str, Computation]
    entry: str

    def runs(self) -> Iterator[Run]:
        """Yield every instruction outside fusions, inside loops and calls too; a loop of unknown length counts once."""
        return self._runs_of(self.entry, 1)

    def _runs_of(self, name: str, times: int) -> Iterator[Run]:
        computation = self.computations[name]
        for instruction in computation.instructions.values():
            yield Run(instruction, computation, times)
            for called, repeats in self.called_by(instruction):
                yield from self._runs_of(called, times * repeats)

    def called_by(self, instruction: Instruction) -> list[tuple[str, int]]:
        """Return the computations that an instruction runs, and how often; without bodies of fusions and reductions."""
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
        """Return the length of a loop: the compiler's note or, on TPUs, the limit of its counter; 1 if unknown."""
        if note := TRIPS.search(loop.attributes):
            return int(note[1])
        # A scan without a note: its condition is `counter < constant`, and the counter starts at 0.
        condition = self.computations[loop.called("condition")]
        limit = condition.instructions.get(condition.root.operands[-1]) if condition.root.operands else None
        counts = condition.root.opcode == "compare" and "direction=LT" in condition.root.attributes
        return int(limit.operands[0]) if counts and limit is not None and limit.opcode == "constant" else 1


def parse(text: str) -> Program:
    """Parse the text of `jax.stages.Compiled.as_text`."""
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
    """Parse the rest of a line after its name: TYPE OPCODE(OPERANDS), ATTRIBUTES."""
    end = _close(rest, 0) if rest.startswith("(") else rest.index(" ")
    kind = rest[:end]
    opcode = OPCODE.match(rest, end)
    assert opcode, rest[:200]
    last = _close(rest, opcode.end() - 1)
    inside = rest[opcode.end() : last - 1]
    operands = (inside,) if opcode[1] in ("parameter", "constant") else tuple(NAME.findall(inside))
    return Instruction(name, opcode[1], arrays_of(kind), operands, rest[last:], root)


def arrays_of(kind: str) -> tuple[Array, ...]:
    """Return the arrays of a type, in order."""
    arrays = []
    for dtype, shape, layout in ARRAY.findall(kind):
        dims = tuple(int(dim.lstrip("<=")) for dim in shape.split(",") if dim)
        arrays.append(Array(dtype, dims, HOST in layout))
    return tuple(arrays)


def _close(text: str, start: int) -> int:
    """Return the position after the parenthesis that closes the one at `start`."""
    depth = 0
    for position in range(start, len(text)):
        if text[position] == "(":
            depth += 1
        elif text[position] == ")":
            depth -= 1
            if not depth:
                return position + 1
    raise AssertionError(f"a parenthesis is not closed: {text[:200]}")


def _bits(dtype: str) -> int:
    """Return the size of an element in bits: the number in the name of its type."""
    if dtype == "token":
        return 0
    if dtype == "pred":
        return 8
    match = re.match(r"[a-z]+(\d+)", dtype)
    assert match, dtype
    return int(match[1])
