"""A search, with plans that are made up: what is planned, in which order it is told, and what is left when it is interrupted."""

import csv
import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.planning.plan import search
from tanuki_jax.planning.plan.layouts import Candidate
from tanuki_jax.planning.plan.plan_results import Plan
from tanuki_jax.planning.plan.plan_workers import Outcome, Planner
from tanuki_jax.planning.plan.target import parse
from tests.planning.plan.test_layouts import small
from tests.planning.plan.test_search_report import planned

TARGET = parse("cpu:2x4")


def planner(experiment: Experiment, target: str) -> Plan:
    """What computes more again is slower; layouts without tensor need twice a device's memory, and zero 1 cannot be planned."""
    layout = experiment.layout
    if layout.zero == 1:
        raise InputError("zero 1 is too much for this planner")
    seconds = 2.0 if layout.remat == "full" else 1.0 + layout.accumulation / 100
    plan = planned(seconds, 160.0 if layout.tensor == 1 else 50.0).plan
    assert plan is not None
    return dataclasses.replace(plan, target=target)


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes have tests of their own."""

    def plan_all(experiments: Sequence[Experiment], target: str, planner: Planner, workers: int) -> Iterator[Outcome]:
        for place, experiment in enumerate(experiments):
            try:
                yield Outcome(place, planner(experiment, target), "")
            except InputError as error:
                yield Outcome(place, None, str(error))

    monkeypatch.setattr(search, "plan_all", plan_all)


def run(layouts: int, path: Path, planner: Planner = planner) -> list[Candidate]:
    files = {"csv": str(path / "found" / "layouts.csv"), "plot": str(path / "found" / "layouts.png")}
    return search.search(small(), TARGET, layouts=layouts, workers=2, **files, planner=planner)


def test_what_fits_comes_first_by_speed_then_what_does_not_by_size_then_what_failed(tmp_path: Path) -> None:
    found = run(40, tmp_path)
    ends = Counter(candidate.verdict for candidate in found)
    assert ends["fits"] + ends["does not fit"] + ends["failed"] == 40 and "open" not in ends
    told = [candidate.verdict for candidate in found[:40]]
    assert told == ["fits"] * ends["fits"] + ["does not fit"] * ends["does not fit"] + ["failed"] * ends["failed"]
    speeds = [candidate.plan.seconds for candidate in found if candidate.verdict == "fits" and candidate.plan]
    assert len(speeds) > 1 and speeds == sorted(speeds)
    assert {candidate.reason for candidate in found if candidate.verdict == "does not fit"} == {"80.0 GiB too large"}
    assert {candidate.reason for candidate in found if candidate.verdict == "failed"} == {
        "zero 1 is too much for this planner"
    }
    with (tmp_path / "found" / "layouts.csv").open() as file:
        assert [row["verdict"] for row in csv.DictReader(file)] == [candidate.verdict for candidate in found]
    assert (tmp_path / "found" / "layouts.png").stat().st_size > 10_000


def test_what_looks_best_is_planned_first_and_an_interrupted_search_keeps_what_it_found(tmp_path: Path) -> None:
    asked: list[Experiment] = []

    def interrupted(experiment: Experiment, target: str) -> Plan:
        asked.append(experiment)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return planner(experiment, target)

    with pytest.raises(KeyboardInterrupt):
        run(40, tmp_path, interrupted)
    with (tmp_path / "found" / "layouts.csv").open() as file:
        rows = list(csv.DictReader(file))
    ends = Counter(row["verdict"] for row in rows)
    assert ends["open"] == 38 and ends["fits"] + ends["does not fit"] + ends["failed"] == 2
    tried = [float(row["estimated seconds"]) for row in rows if row["verdict"] in ("fits", "does not fit", "failed")]
    assert max(tried) <= min(float(row["estimated seconds"]) for row in rows if row["verdict"] == "open")
    assert not (tmp_path / "found" / "layouts.png").exists()


def test_a_search_in_which_nothing_could_be_planned_says_so(tmp_path: Path) -> None:
    def broken(experiment: Experiment, target: str) -> Plan:
        raise InputError("no")

    with pytest.raises(InputError, match="no layout of tiny on cpu:2x4 could be planned"):
        run(3, tmp_path, broken)
