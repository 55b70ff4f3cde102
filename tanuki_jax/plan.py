"""Plan a config on a cluster that need not be present: memory, step time and cost, or a search for the best layout.

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
from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.planning.plan.plan_results import Plan
from tanuki_jax.planning.plan.target import Target
from tanuki_jax.planning.plan.target import parse as parse_target

SHOWN = 10
"""Largest number of layouts that a search prints."""
WIDTH = 140
"""Columns of the output if it is not a terminal."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Compile a training step for a cluster that need not be present; print memory, step time and cost."""

    target: str
    """Devices, as in h100:3x8 (3 nodes of 8), v5p:2x2x1 (a TPU slice), cpu:1x8 (this machine) or FILE.toml:3x8."""
    json: str = ""
    """JSON file for the plan, or for the best plan of a search."""
    search: bool = False
    """Search for a layout: estimate all layouts by arithmetic, and compile the most promising ones."""
    layouts: PositiveInt = 50
    """Largest number of layouts that a search compiles."""
    workers: PositiveInt = os.cpu_count() or 1
    """Processes of a search."""
    csv: str = ""
    """CSV file for all layouts of a search."""
    plot: str = ""
    """PNG file for a search: memory against speed."""


def main(words: list[str]) -> None:
    """Parse the options; then plan, or search."""
    experiment, options = parse("plan", words, Options)
    target = parse_target(options.target)
    if not options.search and (options.csv or options.plot):
        raise InputError("--csv and --plot need --search")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the page reports what the compiler would warn of
    from tanuki_jax.planning.plan.make_plan import prepare  # not at the top: importing jax takes seconds

    prepare(target)
    if options.search:
        _search(experiment, target, options)
    else:
        _plan(experiment, target, options)


def _plan(experiment: Experiment, target: Target, options: Options) -> None:
    from tanuki_jax.base.progress import progress
    from tanuki_jax.planning.plan import plan_report
    from tanuki_jax.planning.plan.make_plan import make_plan

    with progress(f"compiling the step of {experiment.name} for {target.name}", None):
        plan = make_plan(experiment, target)
    _console().print(plan_report.page(plan))
    _write(plan, options.json)


def _search(experiment: Experiment, target: Target, options: Options) -> None:
    from tanuki_jax.planning.plan import search_report
    from tanuki_jax.planning.plan.make_plan import plan_for
    from tanuki_jax.planning.plan.search import search

    layouts, workers = options.layouts, options.workers
    candidates = search(
        experiment, target, layouts=layouts, workers=workers, csv=options.csv, plot=options.plot, planner=plan_for
    )
    console, best = _console(), candidates[0].plan if candidates else None
    console.print(search_report.table(experiment, candidates[:SHOWN]))
    for line in search_report.summary(candidates):
        console.print(line, soft_wrap=True)
    if best is None or not best.memory.fits:
        raise InputError(f"none of the planned layouts of {experiment.name} fits {options.target}")
    _write(best, options.json)


def _write(plan: Plan, path: str) -> None:
    if path:
        from tanuki_jax.planning.plan.plan_report import to_json

        Path(path).parent.mkdir(parents=True, exist_ok=True)
        replace_text(Path(path), json.dumps(to_json(plan), indent=1) + "\n")


def _console() -> rich.console.Console:
    console = rich.console.Console(highlight=False, markup=False, soft_wrap=False)
    return console if console.is_terminal else rich.console.Console(highlight=False, markup=False, width=WIDTH)


if __name__ == "__main__":
    enter("plan", main)
