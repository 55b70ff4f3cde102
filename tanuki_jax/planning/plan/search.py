"""Tries the ways to lay an experiment out on a cluster: all by arithmetic, those that look best by compiling them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.progress import progress
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.planning.plan.layouts import MEANING, Candidate, candidates, choose
from tanuki_jax.planning.plan.plan_results import Plan
from tanuki_jax.planning.plan.plan_workers import Planner, plan_all
from tanuki_jax.planning.plan.search_picture import draw
from tanuki_jax.planning.plan.search_report import in_short, to_csv
from tanuki_jax.planning.plan.target import Target


def search(
    experiment: Experiment, target: Target, *, layouts: int, workers: int, csv: str, plot: str, planner: Planner
) -> list[Candidate]:
    """Every layout of an experiment on a target, with what became of it.

    Args:
        experiment: its model and the rows of a step stay; of its layout what `candidates` says.
        target: whose name `planner` takes.
        layouts: how many are planned, at the most.
        workers: processes that plan.
        csv: file for all that was found, also where the search is interrupted; empty: none.
        plot: PNG of memory against speed; empty: none.
        planner: makes a plan.

    Returns:
        What was planned first: what fits, the fastest first, then what does not, by how much, then what could not be planned.
    """
    found = choose(candidates(experiment, target), layouts)
    places = sorted(
        (place for place, candidate in enumerate(found) if candidate.verdict == "open"),
        key=lambda place: found[place].expected,
    )
    tried = [dataclasses.replace(experiment, layout=found[place].layout) for place in places]
    try:
        with progress("planning", len(tried), "layout") as advance:
            for outcome in plan_all(tried, target.name, planner, workers):
                place = places[outcome.place]
                found[place] = _judged(found[place], outcome.plan, outcome.reason)
                advance(status=_best(found))
    finally:
        found.sort(key=_order)
        if csv:
            Path(csv).parent.mkdir(parents=True, exist_ok=True)
            replace_text(Path(csv), to_csv(experiment.layout, found))
    if plot:
        draw(Path(plot), experiment, target.name, found)
    return found


def _judged(candidate: Candidate, plan: Plan | None, reason: str) -> Candidate:
    if plan is None:
        return dataclasses.replace(candidate, verdict="failed", reason=reason)
    if plan.memory.fits:
        return dataclasses.replace(candidate, verdict="fits", plan=plan)
    reason = "; ".join([plan.memory.verdict, *plan.advice[:1]])
    return dataclasses.replace(candidate, verdict="does not fit", reason=reason, plan=plan)


def _order(candidate: Candidate) -> tuple[int, float]:
    plan = candidate.plan
    if plan is None:
        return -list(MEANING).index(candidate.verdict), 0.0
    return -list(MEANING).index(candidate.verdict), plan.seconds if plan.memory.fits else -plan.memory.free


def _best(candidates: Sequence[Candidate]) -> str:
    """Describe the fastest of the layouts that fit, for the progress."""
    fitting = [(each.plan, each.layout) for each in candidates if each.plan and each.verdict == "fits"]
    if not fitting:
        return "none fits so far"
    plan, layout = min(fitting, key=lambda pair: pair[0].seconds)
    return f"best {plan.tokens_per_second:,.0f} tokens/s a device: {in_short(layout)}"
