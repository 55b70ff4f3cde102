"""Predicted time of a step: a roofline (Williams et al. 2009) with the shares of the vendor's rates that devices reach.

A device computes products, at their FLOP/s, and moves memory between them, at the memory's rate, one after the other.
Collectives over `data` or `fsdp` carry weights and gradients, and transfers to the host carry activations that are not
needed soon: the share `overlap` of their time is hidden behind that work, as far as there is enough of it. All other
collectives carry activations that the next product waits for, and add to the step. Launches of kernels, stragglers, the
data loader and checkpoints are left out.
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
"""Names in a report of the kinds of work."""
SUMS = ("all-gather", "reduce-scatter", "all-reduce")
LINKS = {False: "inside a node", True: "between nodes"}


def terms(
    hardware: Hardware, devices: int, work: Work, bubble: float, moved: int, host: int, traffic: Sequence[Traffic]
) -> tuple[Term, ...]:
    """Return the parts of a step's time that are not zero, with the seconds that are hidden of each.

    Args:
        hardware: the devices.
        devices: number of devices that share the work.
        work: FLOPs of all devices.
        bubble: share of the layers' work that is idle rounds of a pipeline.
        moved: bytes that a device moves in its memory outside products.
        host: bytes that a device exchanges with the host.
        traffic: collectives of a device.
    """
    # Work of the device itself, which can hide communication.
    parts = _products(hardware, devices, work, bubble)
    parts.append(_term("memory between products", moved / hardware.memory, hardware.efficiency["memory"]))
    busy = math.fsum(term.seconds for term in parts)
    # Communication that the next product does not wait for.
    hidable = {_name("weights, gradients", leaves): _seconds(traffic, leaves, True) for leaves in LINKS}
    hidable |= {"transfers to the host": host / hardware.host_rate}
    parts += _hidden(hidable, hardware, busy)
    # Communication that the next product waits for.
    for leaves in LINKS:
        seconds = _seconds(traffic, leaves, False)
        parts.append(_term(_name("activations", leaves), seconds, hardware.efficiency["network" if leaves else "node"]))
    return tuple(term for term in parts if term.seconds)


def can_hide(traffic: Traffic) -> bool:
    """Whether other work can continue during these collectives: they gather weights or sum gradients."""
    return traffic.kind in SUMS and bool({"data", "fsdp"} & set(traffic.axes))


def _products(hardware: Hardware, devices: int, work: Work, bubble: float) -> list[Term]:
    products, idle = [], 0.0
    for kind, name in PRODUCTS.items():
        seconds = getattr(work, kind) / devices / hardware.flops(kind)
        share = 0.0 if kind == "cross_entropy" else bubble  # the loss is outside the pipeline
        products.append(_term(name, seconds * (1 - share), hardware.efficiency[kind]))
        idle += seconds * share
    return [*products, _term("idle stages", idle, hardware.efficiency["matmul"])]


def _hidden(seconds: Mapping[str, float], hardware: Hardware, busy: float) -> list[Term]:
    overlap = hardware.efficiency["overlap"]
    # At most the share `overlap` is hidden, and never more seconds than the device is busy.
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
    return f"{what} {LINKS[between_nodes]}"


def _term(name: str, seconds: float, share: Efficiency, hidden: float = 0.0, also: Efficiency | None = None) -> Term:
    measured = share.measured and (also is None or also.measured)
    return Term(name=name, seconds=seconds, measured=measured, hidden=hidden, source=share.source)
