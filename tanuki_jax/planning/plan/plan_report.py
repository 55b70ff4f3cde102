"""Printed page of a plan: whether it fits, what it costs, where memory and time go; and its JSON."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import rich.box
import rich.console
import rich.table
import rich.text

from tanuki_jax.planning.plan.plan_results import GIB, Plan


@rich.console.group()
def page(plan: Plan) -> Iterator[Any]:
    """Yield what rich prints of a plan."""
    yield rich.text.Text(headline(plan), style="bold" if plan.memory.fits else "bold red")
    yield from plan.advice
    yield summary(plan)
    yield memory(plan)
    yield step(plan)
    if plan.traffic:
        yield traffic(plan)
    yield from (f"Note: {note}." for note in plan.notes)


def headline(plan: Plan) -> str:
    """Return two lines: the plan, and whether it fits and by how much."""
    memory = plan.memory
    title = f"{plan.experiment} on {plan.target} ({plan.devices} devices): {plan.layout}"
    needed, capacity = memory.needed / GIB, memory.capacity / GIB
    if memory.fits:
        return f"{title}\nfits: {needed:.1f} of {capacity:.1f} GiB per device, {memory.free / GIB:.1f} GiB free"
    excess = f"{-memory.free / GIB:.1f} GiB above the {capacity:.1f} GiB of a device"
    return f"{title}\ndoes not fit: needs {needed:.1f} GiB per device, {excess}"


def summary(plan: Plan) -> rich.table.Table:
    """Return a table of time and cost of the run, speed, MFU, and what bounds the step."""
    shown = rich.table.Table.grid(padding=(0, 2))
    tokens, bound = plan.tokens * plan.steps, plan.bound
    days = f"{plan.days:.1f} days" if plan.days >= 1 else f"{24 * plan.days:.2g} hours"
    hours = f"{_number(plan.device_hours)} {plan.kind.upper()}-hours"
    shown.add_row("full run", f"{days}, {hours} for {_tokens(tokens)} tokens in {plan.steps:,} steps")
    speed = f"{plan.tokens_per_second:,.0f} tokens/s per device, {plan.tokens_per_second * plan.devices:,.0f} in total"
    shown.add_row("speed", f"{speed}; {plan.seconds:.2f} s per step of {plan.tokens:,} tokens")
    model, issued = plan.model_flops, plan.issued_flops
    rate = f"{_flops(model / plan.seconds / plan.devices)}/s of {_flops(plan.peak_flops)}/s"
    shown.add_row("MFU", f"{plan.mfu:.1%}: {rate}; {_flops(model / plan.tokens)} per token")
    operations = f"{_flops(model)} of the model per step, {_flops(issued)} issued ({issued / model:.2f} times)"
    shown.add_row("FLOPs", operations)
    shown.add_row("bound by", f"{bound.name}, {bound.shown / plan.seconds:.0%} of the step")
    if plan.bubble:
        shown.add_row("pipeline", f"each stage is idle in {plan.bubble:.0%} of the rounds")
    compiled = f"the training step itself, in {plan.compile_seconds:.0f} s"
    shown.add_row("compiled", f"{compiled}; memory is the compiler's, times are predicted")
    return shown


def memory(plan: Plan) -> rich.table.Table:
    """Return a table of a device's peak memory."""
    shown = _table("memory of a device", ["GiB"])
    sources = {
        "frozen": "exact",
        "parameters": "exact",
        "optimizer": "exact",
        "activations": "kept by the forward pass for the backward pass",
        "temporaries": "batch, gradients, gathered weights, buffers of one layer",
        "margin": "assumed: communication buffers, workspaces, fragmentation",
    }
    for name, source in sources.items():
        if name != "frozen" or plan.memory.frozen:
            shown.add_row(name, f"{getattr(plan.memory, name) / GIB:.2f}", source)
    shown.add_row("free" if plan.memory.fits else "missing", f"{abs(plan.memory.free) / GIB:.2f}", "")
    if plan.memory.host:
        shown.add_row("host", f"{plan.memory.host / GIB:.2f}", "in the host's memory, for each device")
    return shown


def step(plan: Plan) -> rich.table.Table:
    """Return a table of the predicted time of a step, part by part."""
    shown = _table("time of a step", ["seconds", "hidden", "share"], "rate")
    for term in sorted(plan.terms, key=lambda term: -term.shown):
        hidden = _seconds(term.hidden) if term.hidden else ""
        rate = f"{'measured' if term.measured else 'assumed'}: {term.source}"
        shown.add_row(term.name, _seconds(term.seconds), hidden, f"{term.shown / plan.seconds:.1%}", rate)
    return shown


def traffic(plan: Plan) -> rich.table.Table:
    """Return a table of the collectives of a step."""
    shown = _table("collectives of a step", ["calls", "GB sent", "seconds"], "over")
    small = [each for each in plan.traffic if each.seconds < 0.001 * plan.seconds]
    for each in plan.traffic:
        if each not in small:
            links = f"{' x '.join(each.axes)}, {'between nodes' if each.between_nodes else 'inside a node'}"
            shown.add_row(each.kind, f"{each.count:,}", _number(each.sent_bytes / 1e9), _seconds(each.seconds), links)
    if small:
        sent = _number(sum(each.sent_bytes for each in small) / 1e9)
        count, seconds = sum(each.count for each in small), sum(each.seconds for each in small)
        shown.add_row("all others", f"{count:,}", sent, _seconds(seconds), "")
    return shown


def to_json(plan: Plan) -> dict[str, Any]:
    """Return the plan and the figures derived from it."""
    derived = {name: getattr(plan, name) for name in ("tokens_per_second", "mfu", "days", "device_hours")}
    memory_figures = {name: getattr(plan.memory, name) for name in ("peak", "free", "fits")}
    fields = dataclasses.asdict(plan)
    return fields | {"memory": fields["memory"] | memory_figures, "bound": plan.bound.name} | derived


def _table(first: str, numbers: Sequence[str], last: str = "") -> rich.table.Table:
    """Return an empty table with a column of text, columns of numbers, and a column of text."""
    shown = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column(first)
    for name in numbers:
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column(last)
    return shown


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def _number(value: float) -> str:
    """Return a number with at least three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _tokens(number: int) -> str:
    return f"{number / 1e9:,.1f} billion" if number >= 1e9 else f"{number:,}"


def _flops(number: float) -> str:
    for size, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")):
        if number >= size:
            return f"{_number(number / size)} {prefix}FLOP"
    return f"{number:,.0f} FLOP"
