"""`bench all`: processes that finish, run out of time, hang or die, and runs that continue an earlier one."""

import sys
from pathlib import Path

import pytest

from tanuki_jax.planning.bench import bench_report, run_all, suite_worker
from tanuki_jax.planning.bench.bench_results import Measurement, Result
from tanuki_jax.planning.bench.journal import Journal
from tanuki_jax.planning.bench.run_all import Workers
from tanuki_jax.planning.bench.sizes import SIZES

STAND_IN = """
import json, os, sys, time

suite, sizes, which, path, seconds = sys.argv[1:]
lines = [json.loads(line) for line in open(path) if line.strip()] if os.path.exists(path) else []
done = {line["result"]["variant"] for line in lines if "result" in line}

def add(**line):
    with open(path, "a") as journal:
        journal.write(json.dumps(line) + chr(10))

def finish(outcome):
    result = {"benchmark": suite, "case": "case", "variant": variant, "key": {}, "outcome": outcome}
    add(result=result | {"detail": "", "figures": None, "ceiling": 0.0}, took=0.1)

if not lines:
    add(where={"sizes": sizes, "device": "none"})
for variant in BEHAVIOURS[suite] if which == "first" else ():
    if variant in done:
        continue
    if variant == "unready":
        sys.exit("no device")
    if variant == "late" and not os.path.exists(path + ".seen"):
        open(path + ".seen", "w").close()
        sys.exit(OUT_OF_TIME)
    add(begun=[suite, "case", variant])
    if variant == "poisons":
        finish("failed")
        sys.exit(BROKEN)
    if variant == "dies":
        os.kill(os.getpid(), 11)
    if variant == "hangs":
        time.sleep(60)
    finish("measured")
"""


def stand_ins(folder: Path, **behaviours: list[str]) -> Workers:
    """Return workers of a script whose suites behave as their variants are named."""
    script = folder / "stand_in.py"
    exit_codes = {"OUT_OF_TIME": suite_worker.OUT_OF_TIME, "BROKEN": suite_worker.BROKEN}
    text = STAND_IN.replace("BEHAVIOURS", repr(behaviours))
    for name, code in exit_codes.items():
        text = text.replace(name, str(code))
    script.write_text(text)
    command = (sys.executable, str(script))
    return Workers(suites=tuple(behaviours), command=command, silence_seconds=3.0, poll_seconds=0.02)


def run(folder: Path, workers: Workers) -> tuple[dict[str, str], bool]:
    results, complete = run_all.run(folder / "out" / "h200.json", "small", 60.0, workers)
    return {f"{result.benchmark} {result.variant}": result.outcome for result in results}, complete


def test_a_kernel_that_dies_or_hangs_is_listed_and_others_are_measured(tmp_path: Path) -> None:
    variants = {"one": ["good", "dies", "better"], "two": ["hangs", "best"], "three": ["poisons", "sound"]}
    outcomes, complete = run(tmp_path, stand_ins(tmp_path, **variants))
    assert complete
    assert outcomes == {
        "one good": "measured",
        "one dies": "failed",
        "one better": "measured",
        "two hangs": "failed",
        "two best": "measured",
        "three poisons": "failed",
        "three sound": "measured",
    }
    results, about = bench_report.read(tmp_path / "out" / "h200.json")
    details = {result.variant: result.detail for result in results}
    assert "code -11" in details["dies"] and "no result in" in details["hangs"]
    assert about["complete"] and about["device"] == "none"


def test_a_second_run_measures_what_the_first_had_no_time_for(tmp_path: Path) -> None:
    workers = stand_ins(tmp_path, one=["good"], two=["best", "late"])
    outcomes, complete = run(tmp_path, workers)
    assert (outcomes, complete) == ({"one good": "measured", "two best": "measured"}, False)
    assert not bench_report.read(tmp_path / "out" / "h200.json")[1]["complete"]
    before = (tmp_path / "out" / "h200.parts" / "one.jsonl").read_text()
    outcomes, complete = run(tmp_path, workers)
    assert (outcomes["two late"], complete) == ("measured", True)
    assert Journal(tmp_path / "out" / "h200.parts" / "one.jsonl").results and before.count("begun") == 1
    assert bench_report.read(tmp_path / "out" / "h200.json")[1]["complete"]


def test_a_suite_that_cannot_start_is_listed_and_retried_by_the_next_run(tmp_path: Path) -> None:
    workers = stand_ins(tmp_path, one=["unready"], two=["best"])
    for _ in range(2):
        outcomes, _ = run(tmp_path, workers)
        assert outcomes == {"two best": "measured", "one every variant": "failed"}
    assert not bench_report.read(tmp_path / "out" / "h200.json")[1]["complete"]


def test_without_time_there_is_no_result(tmp_path: Path) -> None:
    workers = stand_ins(tmp_path, one=["good"])
    assert run_all.run(tmp_path / "h200.json", "small", 0.0, workers) == ([], False)


def test_a_worker_measures_what_is_missing_of_its_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Runs the real worker in this process, on the suite that compiles nothing."""
    journal = Journal(tmp_path / "loader.jsonl")
    words = ["loader", "small", "rest", str(journal.path)]
    with pytest.raises(SystemExit) as left:
        suite_worker.main([*words, "-1"])
    assert left.value.code == suite_worker.OUT_OF_TIME and journal.results == []
    suite_worker.main([*words, "100"])
    (result,) = journal.results
    assert result.outcome == "measured" and result.figures is not None and result.ceiling > 0
    rows, length = SIZES["small"].loader_rows[0]
    assert result.figures.notes["tokens/s"] == pytest.approx(rows * length / result.figures.timing.median)
    suite_worker.main([*words, "-1"])  # nothing is missing, so no time is needed
    assert capsys.readouterr().out.count("measured") == 1


def test_a_worker_ends_after_a_kernel_broke_the_device(tmp_path: Path) -> None:
    def fail(each: Measurement, seconds: float, ceiling: float) -> Result:
        return Result(benchmark=each.benchmark, case=each.case, variant=each.variant, key=each.key, outcome="failed")

    journal = Journal(tmp_path / "loader.jsonl")
    with pytest.raises(SystemExit) as left:
        suite_worker.main(["loader", "small", "rest", str(journal.path), "100"], take=fail, usable=lambda: False)
    assert left.value.code == suite_worker.BROKEN
    assert [result.outcome for result in journal.results] == ["failed"]
