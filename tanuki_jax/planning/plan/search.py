"""Search for a layout: all layouts are estimated by arithmetic, and the most promising ones are compiled."""

import dataclasses
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.progress import progress
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
        with progress("planning", len(tried), "layout") as advance:
            for outcome in plan_all(tried, target.name, planner, workers):
                index = chosen[outcome.number]
                judged[index] = _with_plan(judged[index], outcome.plan, outcome.reason)
                advance(status=_best(judged))
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


def _best(judged: Sequence[Candidate]) -> str:
    """Describe the fastest of the layouts that fit, for the progress."""
    fitting = [(each.plan, each.layout) for each in judged if each.plan and each.verdict == "fits"]
    if not fitting:
        return "none fits so far"
    plan, layout = min(fitting, key=lambda pair: pair[0].seconds)
    return f"best {plan.tokens_per_second:,.0f} tokens/s per device: {summarize(layout)}"
