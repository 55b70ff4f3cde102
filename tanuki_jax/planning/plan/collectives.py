"""The collectives of a compiled program: what each device sends, to whom, and how long that takes on a target's links."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from tanuki_jax.planning.plan.hlo import Computation, Instruction, Program
from tanuki_jax.planning.plan.plan_results import Traffic
from tanuki_jax.planning.plan.target import Target

KINDS = (
    "all-gather",
    "reduce-scatter",
    "all-reduce",
    "all-to-all",
    "collective-permute",
    "ragged-all-to-all",
    "collective-broadcast",
)
MESH = re.compile(r"replica_groups=@?mesh\[([^\]]*)\]\s*\{([^}]*)\}")
IOTA = re.compile(r"replica_groups=\[([\d,]+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?")
LISTED = re.compile(r"(?:replica_groups|source_target_pairs)=\{((?:\{[\d,]*\},?)*)\}")
AXIS = re.compile(r"'([^']*)'(?:=(\d+)|:\((\d+)\)(\d+))?")


class Collective(NamedTuple):
    """A collective of the program."""

    kind: str
    groups: tuple[tuple[int, ...], ...]
    """Positions in the mesh of those that take part in each other's; of a permute, a device and where it sends."""
    bytes: int
    """What a device gives of it: its part to be gathered, all that is to be summed or sent."""
    times: int
    """In a step."""

    @property
    def size(self) -> int:
        """Devices of a group."""
        return len(self.groups[0])

    @property
    def sent(self) -> float:
        """Bytes that a device sends in one, by a ring where there is one (Thakur et al. 2005)."""
        others = self.size - 1
        if self.kind == "all-gather":
            return self.bytes * others
        if self.kind == "all-reduce":
            return 2 * self.bytes * others / self.size
        if self.kind in ("reduce-scatter", "all-to-all", "ragged-all-to-all"):
            return self.bytes * others / self.size
        return self.bytes


def collectives(program: Program) -> Iterator[Collective]:
    """Those among more than one device."""
    for run in program.runs():
        instruction, within = _opened(run.instruction, run.within, program)
        kind = instruction.opcode.removesuffix("-start")
        if kind in KINDS:
            groups = groups_of(instruction.attributes)
            if groups:
                # TPUs have a sum of which each keeps a part as a fusion of both.
                scatters = kind == "all-reduce" and within.root.bytes < instruction.bytes and within is not run.within
                given = _given(kind, instruction, within)
                yield Collective("reduce-scatter" if scatters else kind, groups, given, run.times)


def _opened(instruction: Instruction, within: Computation, program: Program) -> tuple[Instruction, Computation]:
    """The collective inside a fusion, if there is one, and where it is; else the instruction itself."""
    inside = program.computations.get(instruction.called("calls")) if instruction.opcode == "fusion" else None
    found = [each for each in inside.instructions.values() if each.opcode in KINDS] if inside else []
    return (found[0], inside) if inside and found else (instruction, within)


def _given(kind: str, instruction: Instruction, within: Computation) -> int:
    operands = [within.instructions[name].bytes for name in instruction.operands]
    # Of its two buffers one has room for the worst case; the other holds what is really there.
    return min(operands[:2]) if kind == "ragged-all-to-all" else sum(operands)


def groups_of(attributes: str) -> tuple[tuple[int, ...], ...]:
    """The groups of more than one of a collective's participants, in any of the ways in which XLA writes them."""
    if found := MESH.search(attributes):
        groups = _of_mesh(found[1], found[2])
    elif found := IOTA.search(attributes):
        shape, source = ([int(size) for size in part.split(",")] for part in (found[1], found[2]))
        order = [int(axis) for axis in found[3].split(",")] if found[3] else range(len(source))
        groups = np.arange(math.prod(source)).reshape(source).transpose(order).reshape(shape).tolist()
    else:
        listed = LISTED.search(attributes)
        assert listed, f"the participants of a collective are written in a way that is not known: {attributes[:300]}"
        groups = [[int(part) for part in each.split(",") if part] for each in re.findall(r"\{([\d,]*)\}", listed[1])]
    return tuple(tuple(group) for group in groups if len(set(group)) > 1)


def _of_mesh(sizes: str, axes: str) -> list[list[int]]:
    """'a'=3,'b'=8 and the axes over which the groups go: 'b', or a part of one, 'b':(2)4, the four of 2 x 4 x rest."""
    shape: list[int] = []
    along: list[int] = []
    taken = {name: (int(before), int(size)) if size else None for name, _, before, size in AXIS.findall(axes)}
    for name, size, _, _ in AXIS.findall(sizes):
        before, inside = taken.get(name) or (1, int(size))
        along += [len(shape) + 1] if name in taken else []
        shape += [before, inside, int(size) // before // inside]
    ids = np.arange(math.prod(shape)).reshape(shape)
    moved = np.moveaxis(ids, along, range(-len(along), 0))
    groups: list[list[int]] = moved.reshape(-1, math.prod(shape[dim] for dim in along)).tolist()
    return groups


def axes_of(members: Sequence[int], mesh: Mesh) -> tuple[str, ...]:
    """The mesh axes along which the members differ, slowest first."""
    places = np.array(np.unravel_index(members, tuple(mesh.shape.values())))
    return tuple(axis for axis, along in zip(mesh.axis_names, places, strict=True) if len(set(along.tolist())) > 1)


def seconds(collective: Collective, in_node: int, target: Target) -> float:
    """Of one of them, in a group that has `in_node` devices in a node.

    A ring over several nodes crosses between them with all the devices that it has in each; what goes to devices in another node on its
    own way there, in an all-to-all or a permute, crosses with this device's own link.
    """
    hardware, size = target.hardware, collective.size
    inside = collective.sent / hardware.link(between_nodes=False)
    if in_node == size:
        return inside + hardware.node_latency
    network = hardware.link(between_nodes=True)
    if collective.kind in ("all-gather", "reduce-scatter", "all-reduce"):
        return max(inside, collective.sent / (network * in_node)) + hardware.network_latency
    leaving = collective.sent * (size - in_node) / (size - 1)
    return max(inside, leaving / network) + hardware.network_latency


def traffic(
    found: Iterable[Collective], mesh: Mesh, devices: Sequence[jax.Device], target: Target
) -> tuple[Traffic, ...]:
    """By kind, axes, and whether they leave the node; those that take longest first.

    Args:
        found: the collectives of a program.
        mesh: what it was compiled for.
        devices: the target's, node by node.
        target: what they are.
    """
    places = {device: place for place, device in enumerate(devices)}
    nodes = [places[device] // target.per_node for device in mesh.devices.flat]
    sums: dict[tuple[str, tuple[str, ...], bool], list[float]] = {}
    for each in found:
        # All groups work at once, so that the one with the longest way decides.
        in_node = min(min(Counter(nodes[member] for member in group).values()) for group in each.groups)
        total = sums.setdefault((each.kind, axes_of(each.groups[0], mesh), in_node < each.size), [0, 0.0, 0.0])
        for place, value in enumerate((1, each.sent, seconds(each, in_node, target))):
            total[place] += each.times * value
    listed = [
        Traffic(kind=kind, axes=axes, between_nodes=leaves, count=int(count), sent_bytes=round(sent), seconds=time)
        for (kind, axes, leaves), (count, sent, time) in sums.items()
    ]
    return tuple(sorted(listed, key=lambda each: -each.seconds))
