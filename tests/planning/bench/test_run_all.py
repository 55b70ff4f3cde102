"""`bench all`: processes that finish, run out of time, hang or die, and runs that go on where the last one stopped."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.planning.bench import bench_report as report
from tanuki_jax.planning.bench import run_all as everything
from tanuki_jax.planning.bench import suite_worker as worker
from tanuki_jax.planning.bench.bench_results import Result
from tanuki_jax.planning.bench.journal import Journal
from tanuki_jax.planning.bench.sizes import SIZES

STAND_IN = """
import json, os, sys, time

part, sizes, which, path, seconds = sys.argv[1:]
lines = [json.loads(line) for line in open(path) if line.strip()] if os.path.exists(path) else []
done = {line["result"]["variant"] for line in lines if "result" in line}

def add(**line):
    with open(path, "a") as journal:
        journal.write(json.dumps(line) + chr(10))

def finish(outcome):
    result = {"benchmark": part, "case": "case", "variant": variant, "outcome": outcome}
    add(result=result | {"detail": "", "figures": None, "ceiling": 0.0}, took=0.1)

if not lines:
    add(where={"sizes": sizes, "device": "none"})
for variant in BEHAVIOURS[part] if which == "first" else ():
    if variant in done:
        continue
    if variant == "unready":
        sys.exit("no device")
    if variant == "late" and not os.path.exists(path + ".seen"):
        open(path + ".seen", "w").close()
        sys.exit(OUT_OF_TIME)
    add(begun=[part, "case", variant])
    if variant == "poisons":
        finish("failed")
        sys.exit(BROKEN)
    if variant == "dies":
        os.kill(os.getpid(), 11)
    if variant == "hangs":
        time.sleep(60)
    finish("measured")
"""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets what the processes of each part do."""

    def behave(**behaviours: list[str]) -> None:
        script = tmp_path / "stand_in.py"
        script.write_text(
            STAND_IN.replace("BEHAVIOURS", repr(behaviours))
            .replace("OUT_OF_TIME", str(worker.OUT_OF_TIME))
            .replace("BROKEN", str(worker.BROKEN))
        )
        monkeypatch.setattr(everything, "PARTS", dict.fromkeys(behaviours))
        monkeypatch.setattr(everything, "WORKER", [sys.executable, str(script)])
        monkeypatch.setattr(everything, "PATIENCE", 3.0)
        monkeypatch.setattr(everything, "LOOK", 0.02)

    return behave


def run(folder: Path) -> tuple[dict[str, str], bool]:
    results, finished = everything.run(folder / "out" / "h200.json", "small", 60.0)
    return {f"{result.benchmark} {result.variant}": result.outcome for result in results}, finished


def test_a_kernel_that_dies_or_hangs_takes_no_other_figures_with_it(parts: Any, tmp_path: Path) -> None:
    parts(one=["good", "dies", "better"], two=["hangs", "best"], three=["poisons", "sound"])
    outcomes, finished = run(tmp_path)
    assert finished
    assert outcomes == {
        "one good": "measured",
        "one dies": "failed",
        "one better": "measured",
        "two hangs": "failed",
        "two best": "measured",
        "three poisons": "failed",
        "three sound": "measured",
    }
    results, about = report.read(tmp_path / "out" / "h200.json")
    said = {result.variant: result.detail for result in results}
    assert "code -11" in said["dies"] and "no result in" in said["hangs"]
    assert about["complete"] and about["device"] == "none"


def test_a_rerun_goes_on_where_time_ran_out(parts: Any, tmp_path: Path) -> None:
    parts(one=["good"], two=["best", "late"])
    outcomes, finished = run(tmp_path)
    assert (outcomes, finished) == ({"one good": "measured", "two best": "measured"}, False)
    assert not report.read(tmp_path / "out" / "h200.json")[1]["complete"]
    before = (tmp_path / "out" / "h200.parts" / "one.jsonl").read_text()
    outcomes, finished = run(tmp_path)
    assert (outcomes["two late"], finished) == ("measured", True)
    assert Journal(tmp_path / "out" / "h200.parts" / "one.jsonl").results and before.count("begun") == 1
    assert report.read(tmp_path / "out" / "h200.json")[1]["complete"]


def test_a_part_that_cannot_begin_is_listed_and_tried_again_next_time(parts: Any, tmp_path: Path) -> None:
    parts(one=["unready"], two=["best"])
    for _ in range(2):
        outcomes, _ = run(tmp_path)
        assert outcomes == {"two best": "measured", "one every variant": "failed"}
    assert not report.read(tmp_path / "out" / "h200.json")[1]["complete"]


def test_no_time_is_no_result(parts: Any, tmp_path: Path) -> None:
    parts(one=["good"])
    assert everything.run(tmp_path / "h200.json", "small", 0.0) == ([], False)


def test_the_process_of_a_part_measures_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The real one, in this process, on the part that compiles nothing."""
    journal = Journal(tmp_path / "loader.jsonl")
    words = ["loader", "small", "rest", str(journal.path)]
    with pytest.raises(SystemExit) as left:
        worker.main([*words, "-1"])
    assert left.value.code == worker.OUT_OF_TIME and journal.results == []
    worker.main([*words, "100"])
    (result,) = journal.results
    assert result.outcome == "measured" and result.figures is not None and result.ceiling > 0
    rows, length = SIZES["small"].loader_rows[0]
    assert result.figures.notes["tokens/s"] == pytest.approx(rows * length / result.figures.timing.median)
    worker.main([*words, "-1"])  # nothing is left, so no time is needed
    assert capsys.readouterr().out.count("measured") == 1


def test_a_device_that_a_kernel_broke_is_left_to_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "usable", lambda: False)
    monkeypatch.setattr(
        worker,
        "take",
        lambda each, *_: Result(benchmark=each.benchmark, case=each.case, variant=each.variant, outcome="failed"),
    )
    journal = Journal(tmp_path / "loader.jsonl")
    with pytest.raises(SystemExit) as left:
        worker.main(["loader", "small", "rest", str(journal.path), "100"])
    assert left.value.code == worker.BROKEN
    assert [result.outcome for result in journal.results] == ["failed"]
