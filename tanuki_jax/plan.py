"""Says what a config needs on a cluster that is not here: memory, step time, cost; with --search, which layout is best.

python -m tanuki_jax.plan --config=8b --target=h100:3x8
python -m tanuki_jax.plan --config=8b --target=h100:3x8 --search --csv layouts.csv --plot layouts.png
python -m tanuki_jax.plan --config=8b_dpo_lora --target=h200:1
python -m tanuki_jax.plan --config=tiny --target=cpu:1x2
"""

import dataclasses
import json
import os
from pathlib import Path

import rich.console

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.command_line import parse
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.planning.plan import target as targets
from tanuki_jax.planning.plan.plan_results import Plan

SHOWN = 10
"""Layouts of a search that are printed."""
WIDTH = 140
"""Columns where the output is no terminal."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Compile a training step for a cluster that need not be here, and say what it needs, how long it takes and what it costs."""

    target: str
    """Devices: h100:3x8 is three nodes of eight, v5p:2x2x1 a slice of TPUs, cpu:1x8 this machine; or a hardware file, FILE.toml:3x8."""
    json: str = ""
    """File for the plan, or for what a search found best."""
    search: bool = False
    """Try other layouts than the config's: all by arithmetic, the most promising by compiling them."""
    layouts: int = 50
    """Layouts that a search compiles."""
    workers: int = os.cpu_count() or 1
    """Processes of a search."""
    csv: str = ""
    """File for every layout that a search looked at."""
    plot: str = ""
    """PNG of a search: memory against speed."""


def main(words: list[str]) -> None:
    experiment, options = parse("plan", words, Options)
    target = targets.parse(options.target)
    if min(options.layouts, options.workers) < 1:
        raise InputError("--layouts and --workers are at least 1")
    if not options.search and (options.csv or options.plot):
        raise InputError("--csv and --plot are for what --search finds")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the compiler warns of what the page says more plainly
    from tanuki_jax.planning.plan.make_plan import (
        prepare,
    )  # after the words are understood: importing jax takes seconds

    prepare(target)
    if options.search:
        _search(experiment, target, options)
    else:
        _plan(experiment, target, options)


def _plan(experiment: Experiment, target: targets.Target, options: Options) -> None:
    from tanuki_jax.base.progress import progress
    from tanuki_jax.planning.plan import plan_report as report
    from tanuki_jax.planning.plan.make_plan import make_plan

    with progress(f"compiling the step of {experiment.name} for {target.name}", None):
        plan = make_plan(experiment, target)
    _console().print(report.page(plan))
    _keep(plan, options.json)


def _search(experiment: Experiment, target: targets.Target, options: Options) -> None:
    from tanuki_jax.planning.plan import search
    from tanuki_jax.planning.plan import search_report as found
    from tanuki_jax.planning.plan.make_plan import plan_for

    layouts, workers = options.layouts, options.workers
    tried = search.search(
        experiment, target, layouts=layouts, workers=workers, csv=options.csv, plot=options.plot, planner=plan_for
    )
    console, best = _console(), tried[0].plan if tried else None
    console.print(found.table(experiment, tried[:SHOWN]))
    for line in found.summary(tried):
        console.print(line, soft_wrap=True)
    if best is None or not best.memory.fits:
        raise InputError(f"no layout of {experiment.name} that was planned fits {options.target}")
    _keep(best, options.json)


def _keep(plan: Plan, path: str) -> None:
    if path:
        from tanuki_jax.planning.plan.plan_report import to_json

        Path(path).parent.mkdir(parents=True, exist_ok=True)
        replace_text(Path(path), json.dumps(to_json(plan), indent=1) + "\n")


def _console() -> rich.console.Console:
    console = rich.console.Console(highlight=False, markup=False, soft_wrap=False)
    return console if console.is_terminal else rich.console.Console(highlight=False, markup=False, width=WIDTH)


if __name__ == "__main__":
    enter("plan", main)
