"""Report of a search: layouts as command-line options, a table, a summary and a CSV file."""

import csv
import io
from collections.abc import Sequence

import rich.box
import rich.table

from tanuki_jax.config.experiment import Experiment, Layout
from tanuki_jax.lm.parallel.mesh import AXES
from tanuki_jax.planning.plan.layouts import MEANING, OF_MESHES, Candidate
from tanuki_jax.planning.plan.plan_results import GIB, Plan

SEARCHED = (*AXES, "zero", "accumulation", "microbatches", "interleave", "remat")
"""Fields of a layout that differ between candidates."""


def options(base: Layout, layout: Layout) -> str:
    """Return the command-line options that change the layout `base` of a config into this one."""
    changed = [name for name in SEARCHED if getattr(layout, name) != getattr(base, name)]
    return " ".join(f"--layout.{name} {getattr(layout, name)}" for name in changed)


def summarize(layout: Layout) -> str:
    """Return a short text of the searched fields, as in `data 3, fsdp 8, accumulation 16, zero 1, remat dots`."""
    names = [name for name in (*AXES, "microbatches", "interleave", "accumulation") if getattr(layout, name) > 1]
    zero = ["zero 1"] if layout.zero == 1 else []
    return ", ".join([*(f"{name} {getattr(layout, name)}" for name in names), *zero, f"remat {layout.remat}"])


def table(experiment: Experiment, candidates: Sequence[Candidate]) -> rich.table.Table:
    """Return a table with a row for each planned candidate."""
    shown = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for column in ("seconds", "tokens/s/device", "MFU", "peak GiB", "free GiB", "bound by"):
        shown.add_column(column, justify="right", no_wrap=True)
    shown.add_column(f"options after --config={experiment.name}", overflow="fold")
    for candidate in candidates:
        plan = candidate.plan
        if plan is not None:
            memory = plan.memory
            figures = f"{plan.seconds:.2f}", f"{plan.tokens_per_second:,.0f}", f"{plan.mfu:.1%}"
            sizes = f"{memory.peak / GIB:.1f}", f"{memory.free / GIB:.1f}"
            changes = options(experiment.layout, candidate.layout)
            shown.add_row(*figures, *sizes, plan.bound.name, changes, style="" if memory.fits else "red")
    return shown


def summary(candidates: Sequence[Candidate]) -> list[str]:
    """Return a line for each verdict: the number of its candidates, and one of their reasons."""
    lines = []
    for verdict, meaning in MEANING.items():
        reasons = [candidate.reason for candidate in candidates if candidate.verdict == verdict]
        if reasons:
            example = f"; for example: {reasons[0]}" if reasons[0] not in ("", meaning) else ""
            lines.append(f"{len(reasons):>7,}  {meaning}{example}")
    return lines


def to_csv(base: Layout, candidates: Sequence[Candidate]) -> str:
    """Return CSV with a line for each candidate; a refused mesh has its axes only."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    estimated = "estimated seconds", "GiB at the least"
    planned = "seconds", "tokens/s/device", "MFU", "bubble", "peak GiB", "margin GiB", "free GiB", "bound by"
    rows.writerow(["verdict", "reason", *SEARCHED, *estimated, *planned, "words"])
    for candidate in candidates:
        layout, estimate = candidate.layout, candidate.estimate
        is_mesh = candidate.verdict in OF_MESHES
        fields = ["" if is_mesh and name not in AXES else getattr(layout, name) for name in SEARCHED]
        estimates = [""] * len(estimated)
        if estimate:
            estimates = [f"{estimate.seconds:.4g}", f"{estimate.bytes / GIB:.2f}"]
        figures = _figures(candidate.plan) if candidate.plan else [""] * len(planned)
        changes = "" if is_mesh else options(base, layout)
        rows.writerow([candidate.verdict, candidate.reason, *fields, *estimates, *figures, changes])
    return written.getvalue()


def _figures(plan: Plan) -> list[str]:
    sizes = (f"{size / GIB:.2f}" for size in (plan.memory.peak, plan.memory.margin, plan.memory.free))
    return [
        f"{plan.seconds:.4g}",
        f"{plan.tokens_per_second:.0f}",
        f"{plan.mfu:.4f}",
        f"{plan.bubble:.3f}",
        *sizes,
        plan.bound.name,
    ]
