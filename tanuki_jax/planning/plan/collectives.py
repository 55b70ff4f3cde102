"""Collectives of a compiled program: groups, bytes that a device sends, and time on a target's links."""

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
# Participants are written in one of three forms:
#   replica_groups=mesh['data'=2,'fsdp'=4] {'fsdp'}     axes of a mesh
#   replica_groups=[4,2]<=[2,4]T(1,0)                   a permuted range of ids, reshaped into groups
#   replica_groups={{0,1},{2,3}}                        lists of ids
MESH = re.compile(r"replica_groups=@?mesh\[([^\]]*)\]\s*\{([^}]*)\}")
IOTA = re.compile(r"replica_groups=\[([\d,]+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?")
LISTED = re.compile(r"(?:replica_groups|source_target_pairs)=\{((?:\{[\d,]*\},?)*)\}")
AXIS = re.compile(r"'([^']*)'(?:=(\d+)|:\((\d+)\)(\d+))?")


class Collective(NamedTuple):
    """A collective among several devices."""

    kind: str
    groups: tuple[tuple[int, ...], ...]
    """Mesh positions of the devices of each group; for a permute, pairs of source and destination."""
    bytes: int
    """Bytes of a device's operand: its part of what is gathered, or all of what is summed or sent."""
    times: int
    """Number of calls in a step."""

    @property
    def size(self) -> int:
        """Number of devices of a group."""
        return len(self.groups[0])

    @property
    def sent(self) -> float:
        """Bytes that a device sends in one call, by a ring algorithm where there is one (Thakur et al. 2005)."""
        others = self.size - 1
        if self.kind == "all-gather":
            return self.bytes * others
        if self.kind == "all-reduce":
            return 2 * self.bytes * others / self.size
        if self.kind in ("reduce-scatter", "all-to-all", "ragged-all-to-all"):
            return self.bytes * others / self.size
        return self.bytes


def collectives(program: Program) -> Iterator[Collective]:
    """Yield the collectives among more than one device."""
    for run in program.runs():
        instruction, within = _fused_collective(run.instruction, run.within, program)
        kind = instruction.opcode.removesuffix("-start")
        if kind in KINDS:
            groups = groups_of(instruction.attributes)
            if groups:
                # TPUs fuse an all-reduce with a slice of its result, which is a reduce-scatter.
                fused = within is not run.within
                scatters = kind == "all-reduce" and fused and within.root.bytes < instruction.bytes
                operand_bytes = _operand_bytes(kind, instruction, within)
                yield Collective("reduce-scatter" if scatters else kind, groups, operand_bytes, run.times)


def _fused_collective(
    instruction: Instruction, within: Computation, program: Program
) -> tuple[Instruction, Computation]:
    """Return the collective inside a fusion and its computation, or the arguments if there is none."""
    fusion = program.computations.get(instruction.called("calls")) if instruction.opcode == "fusion" else None
    inside = [each for each in fusion.instructions.values() if each.opcode in KINDS] if fusion else []
    return (inside[0], fusion) if fusion and inside else (instruction, within)


def _operand_bytes(kind: str, instruction: Instruction, within: Computation) -> int:
    operands = [within.instructions[name].bytes for name in instruction.operands]
    # Input and output buffer: the larger one has space for the worst case, the smaller one the size of the data.
    return min(operands[:2]) if kind == "ragged-all-to-all" else sum(operands)


def groups_of(attributes: str) -> tuple[tuple[int, ...], ...]:
    """Return the groups with more than one device, from any form in which XLA writes them."""
    if match := MESH.search(attributes):
        groups = _mesh_groups(match[1], match[2])
    elif match := IOTA.search(attributes):
        shape, source = ([int(size) for size in sizes.split(",")] for sizes in (match[1], match[2]))
        order = [int(axis) for axis in match[3].split(",")] if match[3] else range(len(source))
        groups = np.arange(math.prod(source)).reshape(source).transpose(order).reshape(shape).tolist()
    else:
        listed = LISTED.search(attributes)
        assert listed, f"the participants of a collective have an unknown form: {attributes[:300]}"
        lists = re.findall(r"\{([\d,]*)\}", listed[1])
        groups = [[int(number) for number in numbers.split(",") if number] for numbers in lists]
    return tuple(tuple(group) for group in groups if len(set(group)) > 1)


def _mesh_groups(sizes: str, axes: str) -> list[list[int]]:
    """Return the groups of a mesh such as 'a'=3,'b'=8 over axes such as 'b', or over a part of one.

    'b':(2)4 is the middle dim of b reshaped to 2 x 4 x rest.
    """
    shape: list[int] = []
    along: list[int] = []
    chosen = {name: (int(before), int(size)) if size else None for name, _, before, size in AXIS.findall(axes)}
    for name, size, _, _ in AXIS.findall(sizes):
        # Every mesh axis becomes three dims, of which the middle one is the part that groups extend over.
        before, part = chosen.get(name) or (1, int(size))
        along += [len(shape) + 1] if name in chosen else []
        shape += [before, part, int(size) // before // part]
    ids = np.arange(math.prod(shape)).reshape(shape)
    grouped = np.moveaxis(ids, along, range(-len(along), 0))
    groups: list[list[int]] = grouped.reshape(-1, math.prod(shape[dim] for dim in along)).tolist()
    return groups


def axes_of(members: Sequence[int], mesh: Mesh) -> tuple[str, ...]:
    """Return the mesh axes along which the members of a group differ, slowest first."""
    positions = np.array(np.unravel_index(members, tuple(mesh.shape.values())))
    return tuple(axis for axis, along in zip(mesh.axis_names, positions, strict=True) if len(set(along.tolist())) > 1)


def seconds(collective: Collective, in_node: int, target: Target) -> float:
    """Return the time of one call in a group that has `in_node` devices in a node.

    A ring over several nodes uses the network links of all its devices in a node together. In an all-to-all or a
    permute each device sends to other nodes over its own link.
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
    calls: Iterable[Collective], mesh: Mesh, devices: Sequence[jax.Device], target: Target
) -> tuple[Traffic, ...]:
    """Sum collectives by kind, axes, and whether they leave the node. Return the sums, the longest first.

    Args:
        calls: the collectives of a program.
        mesh: mesh of the program.
        devices: the target's devices, node by node.
        target: the target.
    """
    numbers = {device: number for number, device in enumerate(devices)}
    nodes = [numbers[device] // target.per_node for device in mesh.devices.flat]
    sums: dict[tuple[str, tuple[str, ...], bool], list[float]] = {}
    for each in calls:
        # All groups communicate at once, so the group with the fewest devices in a node determines the time.
        in_node = min(min(Counter(nodes[member] for member in group).values()) for group in each.groups)
        total = sums.setdefault((each.kind, axes_of(each.groups[0], mesh), in_node < each.size), [0, 0.0, 0.0])
        for index, value in enumerate((1, each.sent, seconds(each, in_node, target))):
            total[index] += each.times * value
    summed = [
        Traffic(kind=kind, axes=axes, between_nodes=leaves, count=int(count), sent_bytes=round(sent), seconds=time)
        for (kind, axes, leaves), (count, sent, time) in sums.items()
    ]
    return tuple(sorted(summed, key=lambda each: -each.seconds))
