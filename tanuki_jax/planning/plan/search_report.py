"""What a search found, as words of the command line, as a table, as a summary and as CSV."""

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


def words(base: Layout, layout: Layout) -> str:
    """What to type after `--config` for this layout where the config has `base`."""
    changed = [name for name in SEARCHED if getattr(layout, name) != getattr(base, name)]
    return " ".join(f"--layout.{name} {getattr(layout, name)}" for name in changed)


def in_short(layout: Layout) -> str:
    """The axes above 1, and what else differs between candidates, as `data 3, fsdp 8, accumulation 16, zero 1, remat dots`."""
    names = [name for name in (*AXES, "microbatches", "interleave", "accumulation") if getattr(layout, name) > 1]
    zero = ["zero 1"] if layout.zero == 1 else []
    return ", ".join([*(f"{name} {getattr(layout, name)}" for name in names), *zero, f"remat {layout.remat}"])


def table(experiment: Experiment, found: Sequence[Candidate]) -> rich.table.Table:
    """A line for each candidate that was planned, in their order."""
    shown = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for column in ("seconds", "tokens/s/device", "MFU", "peak GiB", "free GiB", "bound by"):
        shown.add_column(column, justify="right", no_wrap=True)
    shown.add_column(f"after --config={experiment.name}", overflow="fold")
    for candidate in found:
        plan = candidate.plan
        if plan is not None:
            memory = plan.memory
            figures = f"{plan.seconds:.2f}", f"{plan.tokens_per_second:,.0f}", f"{plan.mfu:.1%}"
            sizes = f"{memory.peak / GIB:.1f}", f"{memory.free / GIB:.1f}"
            typed = words(experiment.layout, candidate.layout)
            shown.add_row(*figures, *sizes, plan.bound.name, typed, style="" if memory.fits else "red")
    return shown


def summary(found: Sequence[Candidate]) -> list[str]:
    """How many candidates met which end, a line each, with one of the reasons."""
    lines = []
    for verdict, meaning in MEANING.items():
        reasons = [candidate.reason for candidate in found if candidate.verdict == verdict]
        if reasons:
            lines.append(
                f"{len(reasons):>7,}  {meaning}"
                + (f"; one of them: {reasons[0]}" if reasons[0] not in ("", meaning) else "")
            )
    return lines


def to_csv(base: Layout, found: Sequence[Candidate]) -> str:
    """A line for each candidate: of a refused mesh its axes only."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    estimated = "estimated seconds", "GiB at the least"
    planned = "seconds", "tokens/s/device", "MFU", "bubble", "peak GiB", "margin GiB", "free GiB", "bound by"
    rows.writerow(["verdict", "reason", *SEARCHED, *estimated, *planned, "words"])
    for candidate in found:
        layout, guess = candidate.layout, candidate.estimate
        of_mesh = candidate.verdict in OF_MESHES
        fields = ["" if of_mesh and name not in AXES else getattr(layout, name) for name in SEARCHED]
        estimates = [f"{guess.seconds:.4g}", f"{guess.bytes / GIB:.2f}"] if guess else [""] * len(estimated)
        figures = _figures(candidate.plan) if candidate.plan else [""] * len(planned)
        rows.writerow(
            [candidate.verdict, candidate.reason, *fields, *estimates, *figures, "" if of_mesh else words(base, layout)]
        )
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
