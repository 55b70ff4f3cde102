"""How long a step takes: a roofline (Williams et al. 2009) with the shares of the vendor's rates that such devices reach.

The products, at their FLOP/s, and what is moved in memory between them, at the memory's rate, follow one another on a device. Collectives
over `data` or `fsdp` carry weights and gradients, and transfers to the host activations that are not needed yet: of their time the share
`overlap` hides behind that work, as long as there is any. All other collectives carry activations that the next product waits for, and add
to the step. Kernels' launches, stragglers, the data loader and checkpoints are left out.
"""

import math
from collections.abc import Mapping, Sequence

from tanuki_jax.config.hardware import Efficiency, Hardware
from tanuki_jax.planning.plan.plan_results import Term, Traffic
from tanuki_jax.planning.plan.work import Work

PRODUCTS = {
    "matmul": "products with weights",
    "attention": "attention",
    "grouped_matmul": "products of experts",
    "cross_entropy": "output matrix and loss",
}
"""Kinds of work, as a report calls them."""
SUMS = ("all-gather", "reduce-scatter", "all-reduce")
WHERE = {False: "inside a node", True: "between nodes"}


def terms(
    hardware: Hardware, devices: int, work: Work, bubble: float, moved: int, host: int, traffic: Sequence[Traffic]
) -> tuple[Term, ...]:
    """The parts of a step's time, what is hidden of each marked; those that are nothing are left out.

    Args:
        hardware: of the devices.
        devices: how many share the work.
        work: of all of them.
        bubble: share of the layers' work that a pipeline's idle rounds are.
        moved: bytes that a device moves in its memory outside of products.
        host: bytes that it exchanges with the host.
        traffic: its collectives.
    """
    found = _products(hardware, devices, work, bubble)
    found.append(_term("memory between products", moved / hardware.memory, hardware.efficiency["memory"]))
    busy = math.fsum(term.seconds for term in found)
    behind = {_name("weights, gradients", leaves): _seconds(traffic, leaves, True) for leaves in WHERE}
    behind |= {"transfers to the host": host / hardware.host_rate}
    found += _hidden(behind, hardware, busy)
    for leaves in WHERE:
        seconds = _seconds(traffic, leaves, False)
        found.append(_term(_name("activations", leaves), seconds, hardware.efficiency["network" if leaves else "node"]))
    return tuple(term for term in found if term.seconds)


def can_hide(traffic: Traffic) -> bool:
    """Whether other work can go on during these collectives: they gather weights or sum gradients."""
    return traffic.kind in SUMS and bool({"data", "fsdp"} & set(traffic.axes))


def _products(hardware: Hardware, devices: int, work: Work, bubble: float) -> list[Term]:
    found, idle = [], 0.0
    for kind, name in PRODUCTS.items():
        seconds = getattr(work, kind) / devices / hardware.flops(kind)
        share = 0.0 if kind == "cross_entropy" else bubble  # the loss is outside the pipeline
        found.append(_term(name, seconds * (1 - share), hardware.efficiency[kind]))
        idle += seconds * share
    return [*found, _term("idle stages", idle, hardware.efficiency["matmul"])]


def _hidden(seconds: Mapping[str, float], hardware: Hardware, busy: float) -> list[Term]:
    overlap = hardware.efficiency["overlap"]
    share = min(overlap.value, busy / math.fsum(seconds.values())) if any(seconds.values()) else 0.0
    links = [hardware.efficiency["node"], hardware.efficiency["network"], overlap]
    return [
        _term(name, time, link, hidden=share * time, also=overlap)
        for (name, time), link in zip(seconds.items(), links, strict=True)
    ]


def _seconds(traffic: Sequence[Traffic], between_nodes: bool, hidable: bool) -> float:
    return math.fsum(
        each.seconds for each in traffic if each.between_nodes == between_nodes and can_hide(each) == hidable
    )


def _name(what: str, between_nodes: bool) -> str:
    return f"{what} {WHERE[between_nodes]}"


def _term(name: str, seconds: float, share: Efficiency, hidden: float = 0.0, also: Efficiency | None = None) -> Term:
    measured = share.measured and (also is None or also.measured)
    return Term(name=name, seconds=seconds, measured=measured, hidden=hidden, source=share.source)
