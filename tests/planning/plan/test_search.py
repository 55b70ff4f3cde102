"""A search with invented plans: what is planned, in which order it is returned, and what an interruption leaves."""

import csv
import dataclasses
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.planning.plan.layouts import Candidate
from tanuki_jax.planning.plan.plan_results import Plan
from tanuki_jax.planning.plan.plan_workers import Outcome, Planner
from tanuki_jax.planning.plan.search import search
from tanuki_jax.planning.plan.target import parse
from tests.planning.plan.test_layouts import small
from tests.planning.plan.test_search_report import planned

TARGET = parse("cpu:2x4")


def planner(experiment: Experiment, target: str) -> Plan:
    """Make full remat slow, layouts without tensor twice as large as a device, and zero 1 impossible."""
    layout = experiment.layout
    if layout.zero == 1:
        raise InputError("zero 1 is too much for this planner")
    seconds = 2.0 if layout.remat == "full" else 1.0 + layout.accumulation / 100
    plan = planned(seconds, 160.0 if layout.tensor == 1 else 50.0).plan
    assert plan is not None
    return dataclasses.replace(plan, target=target)


def plan_in_this_process(
    experiments: Sequence[Experiment], target: str, planner: Planner, workers: int
) -> Generator[Outcome]:
    """Plan in this process; worker processes have tests of their own."""
    for index, experiment in enumerate(experiments):
        try:
            yield Outcome(index, planner(experiment, target), "")
        except InputError as error:
            yield Outcome(index, None, str(error))


def run(layouts: int, path: Path, planner: Planner = planner) -> list[Candidate]:
    files = {"csv": str(path / "out" / "layouts.csv"), "plot": str(path / "out" / "layouts.png")}
    return search(small(), TARGET, layouts=layouts, workers=2, **files, planner=planner, plan_all=plan_in_this_process)


def test_candidates_are_ordered_by_fit_then_speed_or_excess(tmp_path: Path) -> None:
    judged = run(40, tmp_path)
    ends = Counter(candidate.verdict for candidate in judged)
    assert ends["fits"] + ends["does not fit"] + ends["failed"] == 40 and "open" not in ends
    verdicts = [candidate.verdict for candidate in judged[:40]]
    assert verdicts == ["fits"] * ends["fits"] + ["does not fit"] * ends["does not fit"] + ["failed"] * ends["failed"]
    speeds = [candidate.plan.seconds for candidate in judged if candidate.verdict == "fits" and candidate.plan]
    assert len(speeds) > 1 and speeds == sorted(speeds)
    assert {candidate.reason for candidate in judged if candidate.verdict == "does not fit"} == {"80.0 GiB too large"}
    assert {candidate.reason for candidate in judged if candidate.verdict == "failed"} == {
        "zero 1 is too much for this planner"
    }
    with (tmp_path / "out" / "layouts.csv").open() as file:
        assert [row["verdict"] for row in csv.DictReader(file)] == [candidate.verdict for candidate in judged]
    assert (tmp_path / "out" / "layouts.png").stat().st_size > 10_000


def test_the_fastest_are_planned_first_and_an_interrupted_search_is_saved(tmp_path: Path) -> None:
    planned_so_far: list[Experiment] = []

    def interrupted(experiment: Experiment, target: str) -> Plan:
        planned_so_far.append(experiment)
        if len(planned_so_far) == 3:
            raise KeyboardInterrupt
        return planner(experiment, target)

    with pytest.raises(KeyboardInterrupt):
        run(40, tmp_path, interrupted)
    with (tmp_path / "out" / "layouts.csv").open() as file:
        rows = list(csv.DictReader(file))
    ends = Counter(row["verdict"] for row in rows)
    assert ends["open"] == 38 and ends["fits"] + ends["does not fit"] + ends["failed"] == 2
    tried = [float(row["estimated seconds"]) for row in rows if row["verdict"] in ("fits", "does not fit", "failed")]
    assert max(tried) <= min(float(row["estimated seconds"]) for row in rows if row["verdict"] == "open")
    assert not (tmp_path / "out" / "layouts.png").exists()


def test_a_search_without_any_plan_is_an_error(tmp_path: Path) -> None:
    def broken(experiment: Experiment, target: str) -> Plan:
        raise InputError("no")

    with pytest.raises(InputError, match="no layout of tiny on cpu:2x4 could be planned"):
        run(3, tmp_path, broken)
