"""Search for a layout: all layouts are estimated by arithmetic, and the most promising ones are compiled."""

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import rich.console
import rich.progress

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.planning.plan.layouts import MEANING, Candidate, candidates, choose
from tanuki_jax.planning.plan.plan_results import Plan
from tanuki_jax.planning.plan.plan_workers import Outcome, Planner, plan_all
from tanuki_jax.planning.plan.search_picture import draw
from tanuki_jax.planning.plan.search_report import summarize, to_csv
from tanuki_jax.planning.plan.target import Target

type PlanAll = Callable[[Sequence[Experiment], str, Planner, int], Generator[Outcome]]
"""Plans experiments as `plan_all` does."""


def search(
    experiment: Experiment,
    target: Target,
    *,
    layouts: int,
    workers: int,
    csv: str,
    plot: str,
    planner: Planner,
    plan_all: PlanAll = plan_all,
) -> list[Candidate]:
    """Judge every layout of an experiment on a target, and plan the fastest by the estimate.

    Args:
        experiment: its model and rows of a step are kept; `candidates` says what varies of its layout.
        target: the devices; `planner` takes its name.
        layouts: largest number of layouts to plan.
        workers: number of planning processes.
        csv: file for all candidates, also written if the search is interrupted; empty: none.
        plot: PNG of memory against speed; empty: none.
        planner: makes a plan.
        plan_all: plans several experiments.

    Returns:
        All candidates: planned ones that fit, the fastest first; those that do not, the smallest excess first; those
        that could not be planned; and the refused ones.
    """
    judged = choose(candidates(experiment, target), layouts)
    chosen = sorted(
        (index for index, candidate in enumerate(judged) if candidate.verdict == "open"),
        key=lambda index: judged[index].expected,
    )
    tried = [dataclasses.replace(experiment, layout=judged[index].layout) for index in chosen]
    try:
        with _progress(len(tried)) as advance:
            for outcome in plan_all(tried, target.name, planner, workers):
                index = chosen[outcome.number]
                judged[index] = _with_plan(judged[index], outcome.plan, outcome.reason)
                advance(judged[index])
    finally:
        # Also after Ctrl-C: plans that are finished are kept.
        judged.sort(key=_order)
        if csv:
            Path(csv).parent.mkdir(parents=True, exist_ok=True)
            replace_text(Path(csv), to_csv(experiment.layout, judged))
    if plot:
        draw(Path(plot), experiment, target.name, judged)
    return judged


def _with_plan(candidate: Candidate, plan: Plan | None, reason: str) -> Candidate:
    if plan is None:
        return dataclasses.replace(candidate, verdict="failed", reason=reason)
    if plan.memory.fits:
        return dataclasses.replace(candidate, verdict="fits", plan=plan)
    reason = "; ".join([plan.memory.verdict, *plan.advice[:1]])
    return dataclasses.replace(candidate, verdict="does not fit", reason=reason, plan=plan)


def _order(candidate: Candidate) -> tuple[int, float]:
    """Return a sort key: the latest verdict first; then the fastest plan that fits, or the smallest excess."""
    plan = candidate.plan
    if plan is None:
        return -list(MEANING).index(candidate.verdict), 0.0
    return -list(MEANING).index(candidate.verdict), plan.seconds if plan.memory.fits else -plan.memory.free


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[Candidate], None]]:
    """Show progress as a bar on a terminal, else as a line for each layout. The value takes every planned layout."""
    console = rich.console.Console(stderr=True, markup=False, highlight=False)
    counted, best = rich.progress.MofNCompleteColumn(), rich.progress.TextColumn("{task.fields[best]}")
    columns = counted, rich.progress.BarColumn(), rich.progress.TimeRemainingColumn(), best
    fastest: list[Candidate] = []
    with rich.progress.Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total, best="")

        def advance(candidate: Candidate) -> None:
            fastest[:] = sorted([*fastest, *([candidate] if candidate.verdict == "fits" else [])], key=_order)[:1]
            bar.update(task, advance=1, best=f"best {_describe(fastest[0])}" if fastest else "none fits so far")
            if not console.is_terminal:
                console.print(_describe(candidate), soft_wrap=True)

        yield advance


def _describe(candidate: Candidate) -> str:
    plan = candidate.plan
    speed = f"{plan.tokens_per_second:,.0f} tokens/s per device: " if plan else ""
    return f"{speed}{summarize(candidate.layout)}" + (f" ({candidate.reason})" if candidate.reason else "")
