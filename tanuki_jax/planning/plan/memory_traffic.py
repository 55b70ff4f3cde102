"""Memory traffic of a compiled program outside its products, and what its forward pass keeps for the backward pass."""

import re

from tanuki_jax.planning.plan.collectives import KINDS
from tanuki_jax.planning.plan.hlo import Computation, Instruction, Program

IDLE = {
    "parameter",
    "constant",
    "tuple",
    "get-tuple-element",
    "bitcast",
    "after-all",
    "partition-id",
    "replica-id",
    "iota",
    "while",
}
IDLE |= {
    "conditional",
    "call",
    "opt-barrier",
    "add-dependency",
    "domain",
    "infeed",
    "outfeed",
    "rng-get-and-update-state",
    "async-start",
}
PRODUCTS = {"dot", "convolution", "custom-call", "scaled-dot", "ragged-dot"}
"""Opcodes whose time, memory included, is predicted from FLOPs; custom calls are kernels and library calls."""
WRITES_PART = "dynamic-update-slice"
READS_PART = ("dynamic-slice", "slice", "gather")
VIEWS = ("bitcast", "reshape", "convert", "copy", "transpose")
FORWARD, BACKWARD = re.compile(r"\bjvp\("), re.compile(r"\btranspose\(")


def moved_bytes(program: Program) -> int:
    """Return the bytes that a step reads and writes outside products, kernels and collectives.

    Each operand is read once and each result written once; where only a slice is used, only the slice counts.
    """
    return sum(
        run.times * _moved(run.instruction, run.within, program)
        for run in program.runs()
        if not _of_host(run.instruction, run.within)
    )


def host_bytes(program: Program) -> int:
    """Return the bytes that a step transfers between a device and the host's memory."""
    # A transfer reads on one side and writes on the other, so half of the moved bytes are transferred.
    return sum(
        run.times * _moved(run.instruction, run.within, program) // 2
        for run in program.runs()
        if _of_host(run.instruction, run.within)
    )


def kept_bytes(program: Program) -> int:
    """Return the bytes of arrays in which the loops of the forward pass stack activations for the backward pass.

    A loop belongs to the forward pass if its name has `jvp` and not its transpose. A stacked array is carried through
    the loop, and each iteration writes one slice. The compiler removes a loop of one iteration, whose activations are
    therefore missed.
    """
    return _kept(program, program.entry)


def _kept(program: Program, name: str) -> int:
    total = 0
    for instruction in program.computations[name].instructions.values():
        forward = FORWARD.search(instruction.scope) and not BACKWARD.search(instruction.scope)
        if instruction.opcode == "while" and forward:
            total += _stacked(program, program.computations[instruction.called("body")])
        else:
            total += sum(_kept(program, called) for called, _ in program.called_by(instruction))
    return total


def _stacked(program: Program, body: Computation) -> int:
    """Return the bytes on the device of arrays to which a loop writes one slice in each iteration."""
    total = 0
    for name in set(body.root.operands):
        source = body.instructions[name]
        carried = source.arrays
        # Look through views and asynchronous copies for the instruction that computed the value, often a fusion.
        while source.operands and (
            source.opcode in ("bitcast", "get-tuple-element", "copy") or source.opcode.endswith("-done")
        ):
            source = body.instructions[source.operands[0]]
        inside = program.computations.get(source.called("calls"))
        writers = inside.instructions.values() if inside else [source]
        sizes = {writer.bytes for writer in writers if writer.opcode == WRITES_PART}
        total += sum(array.bytes for array in carried if array.bytes in sizes and not array.on_host)
    return total


def _of_host(instruction: Instruction, within: Computation) -> bool:
    """Whether the instruction moves an array to or from the host's memory."""
    if instruction.opcode not in (
        "copy",
        "copy-start",
        "fusion",
        "fusion-start",
        WRITES_PART,
        "dynamic-slice",
        "async-start",
    ):
        return False
    operands = [array for name in instruction.operands for array in within.instructions[name].arrays]
    return any(array.on_host for array in (*instruction.arrays, *operands))


def _moved(instruction: Instruction, within: Computation, program: Program) -> int:
    """Return the bytes that one run of an instruction reads and writes; 0 for products, kernels and collectives."""
    opcode = instruction.opcode.removesuffix("-start")
    if opcode in IDLE or opcode in PRODUCTS or opcode in KINDS or opcode.endswith("-done"):
        return 0
    operands = [within.instructions[name].bytes for name in instruction.operands]
    inside = program.computations.get(instruction.called("calls")) if opcode == "fusion" else None
    if inside is not None:
        if _has_product(inside, program):
            return 0
        return _written(inside, inside.root) + sum(_read(inside, parameter) for parameter in inside.parameters)
    if opcode in READS_PART:
        return 2 * instruction.bytes
    if opcode == WRITES_PART:
        return 2 * operands[1]
    if instruction.opcode != opcode:  # an asynchronous copy, whose type lists source and target
        return 2 * sum(operands)
    return instruction.bytes + sum(operands)


def _has_product(inside: Computation, program: Program) -> bool:
    for each in inside.instructions.values():
        if each.opcode in PRODUCTS or (
            each.opcode == "fusion" and _has_product(program.computations[each.called("calls")], program)
        ):
            return True
    return False


def _written(inside: Computation, result: Instruction) -> int:
    """Return the bytes that a fusion writes: its results, or the slices that it updates in place."""
    if result.opcode == "tuple":
        return sum(_written(inside, inside.instructions[name]) for name in result.operands)
    source = result
    while source.opcode in VIEWS:
        source = inside.instructions[source.operands[0]]
    if source.opcode == WRITES_PART:
        return inside.instructions[source.operands[1]].bytes
    return result.bytes


def _read(inside: Computation, parameter: Instruction) -> int:
    """Return the bytes that a fusion reads of a parameter: the slices that it uses, or all of it."""
    total, pending = 0, [parameter]
    while pending:
        value = pending.pop()
        for user in (each for each in inside.instructions.values() if value.name in each.operands):
            if user.opcode in READS_PART and user.operands[0] == value.name:
                total += user.bytes
            elif user.opcode == WRITES_PART and user.operands[0] == value.name:
                continue  # updated in place, not read
            elif user.opcode in VIEWS and not user.root:
                pending.append(user)
            else:
                return parameter.bytes
    return min(total, parameter.bytes)
