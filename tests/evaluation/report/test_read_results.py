"""Results of runs are read strictly, and an error names file and field."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.report.read_results import figures_with_bounds, read_run, read_runs
from tests.evaluation.report.made_runs import choice_benchmark, results, write_run, write_two_runs

type Change = Callable[[dict[str, Any]], object]


def test_a_run_is_read_whole(tmp_path: Path) -> None:
    run = read_run(write_two_runs(tmp_path)[0])
    assert (run.label, run.name, run.model, run.urls) == ("tiny_dpo", "tiny", "tiny_dpo", ("http://a/v1",))
    assert [each.name for each in run.benchmarks] == [
        "jcommonsenseqa_0shot",
        "mt_bench_ja",
        "school_problems",
        "jmmlu_0shot",
    ]
    choice, talk, _, absent = run.benchmarks
    assert (choice.failed, choice.cut, choice.metrics["flexible"].unreadable) == (1, 2, 3)
    assert choice.metrics["strict"].mean == pytest.approx(0.45)
    assert choice.data[0]["path"] == "data/jcommonsenseqa_0shot.jsonl"
    assert choice.items[-1].answers[0].failure.startswith("the server gave no answer")
    assert talk.items[0].tags == {"category": "humanities"}
    assert [answer.by for answer in talk.items[0].answers] == ["model", "judge", "model", "judge"]
    assert absent.missing.startswith("there is no file")
    assert run.benchmark("jmmlu_0shot") is None


def test_a_metric_without_a_readable_item_has_no_mean(tmp_path: Path) -> None:
    value = results("a", [choice_benchmark(0)])
    value["benchmarks"][0]["metrics"]["strict"] |= {"mean": None, "low": None, "high": None, "items": 0}
    assert read_run(write_run(tmp_path, value)).benchmarks[0].metrics["strict"].mean is None


def set_at(path: str, value: Any) -> Change:
    """Return a change that sets a field, given as in `benchmarks.0.failed`, or deletes it (`...`)."""

    def change(root: dict[str, Any]) -> None:
        *parents, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
        at: Any = root
        for part in parents:
            at = at[part]
        if value is ...:
            del at[last]
        else:
            at[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", 2, "has format 2, and this version reads 1: update tanuki_jax"),
        ("format", 0, "format is 0, and there is no format but 1"),
        ("format", "1", "format is '1', not a whole number"),
        ("format", True, "format is True, not a whole number"),
        ("model", ..., "model is missing"),
        ("model.fingerprint", ..., "model.fingerprint is missing"),
        ("model.urls", "http://a", "model.urls is 'http://a', not a list"),
        ("benchmarks", {}, "benchmarks is {}, not a list"),
        ("benchmarks.0.name", "a/../b", "benchmarks[0].name is 'a/../b'; a benchmark's name has letters"),
        ("benchmarks.0.failed", -1, "benchmarks[0].failed is -1, and counts from 0"),
        ("benchmarks.0.cut", 1.5, "benchmarks[0].cut is 1.5, not a whole number"),
        ("benchmarks.0.metrics.strict.mean", "0.5", "benchmarks[0].metrics.strict.mean is '0.5', not a number"),
        ("benchmarks.0.metrics.strict.low", ..., "benchmarks[0].metrics.strict.low is missing"),
        ("benchmarks.0.items.3.scores.strict", None, "benchmarks[0].items[3].scores.strict is None, not a number"),
        ("benchmarks.0.items.3.scores", 1, "benchmarks[0].items[3].scores is 1, not an object"),
        ("benchmarks.0.items.3.id", "8939", "benchmarks[0].items[3].id is '8939', which an item has already"),
        ("benchmarks.0.items.3.tags", {"level": 1}, "benchmarks[0].items[3].tags.level is 1, not a text"),
        ("benchmarks.0.items.3.answers.0.request", "?", "answers[0].request is '?', not an object"),
        ("benchmarks.0.items.3.answers.0.cut", 0, "benchmarks[0].items[3].answers[0].cut is 0, not true or false"),
    ],
)
def test_an_error_names_file_and_field(tmp_path: Path, path: str, value: Any, message: str) -> None:
    root = results("a", [choice_benchmark(3)])
    set_at(path, value)(root)
    with pytest.raises(InputError, match=f"results.json.*{re.escape(message)}"):
        read_run(write_run(tmp_path, root))


def test_the_better_side_is_stated_or_follows_from_the_scale(tmp_path: Path) -> None:
    def sides(*changes: tuple[str, Any]) -> list[str]:
        root = results("a", [choice_benchmark(3)])
        for path, value in changes:
            set_at(path, value)(root)
        return [each.better for each in read_run(write_run(tmp_path, root)).benchmarks[0].metrics.values()]

    assert sides() == ["higher", "higher", "higher"]
    assert sides(("benchmarks.0.scale", [8, 0])) == ["lower", "higher", "higher"]
    assert sides(("benchmarks.0.metrics.control.better", "lower")) == ["higher", "higher", "lower"]
    with pytest.raises(InputError, match=r"metrics\.control\.better is 'left', not 'higher' or 'lower'"):
        sides(("benchmarks.0.metrics.control.better", "left"))


def test_bounds_of_a_figure_are_no_figures() -> None:
    found = figures_with_bounds({"a": 1, "a_low": 0, "a_high": 2, "b": 3, "c_low": 4, "d": 5, "d_low": 5})
    assert found == {"a": (1, 0, 2), "b": (3, None, None), "c_low": (4, None, None), "d": (5,) + (None,) * 2} | {
        "d_low": (5, None, None)
    }


def test_a_number_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    text = json.dumps(results("a", [choice_benchmark(3)])).replace('"strict": 1.0', '"strict": NaN', 1)
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(InputError, match=r"items\[0\]\.scores\.strict is nan, not a finite number"):
        read_run(tmp_path)


def test_a_benchmark_is_there_once(tmp_path: Path) -> None:
    one = choice_benchmark(3)
    with pytest.raises(InputError, match="benchmarks has 'jcommonsenseqa_0shot' twice"):
        read_run(write_run(tmp_path, results("a", [one, copy.deepcopy(one)])))


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the folder .* has no results\.json"):
        read_run(tmp_path)
    with pytest.raises(InputError, match=r"there is no folder .*absent"):
        read_run(tmp_path / "absent")
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(InputError, match=r"results\.json is not JSON: .*; the command of the run writes it again"):
        read_run(tmp_path)


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    folders = [
        write_run(tmp_path / "1", results("a", [])),
        write_run(tmp_path / "2", results("a", [], name="nejumi")),
        write_run(tmp_path / "3", results("a", [], name="nejumi")),
        write_run(tmp_path / "4", results("b", [])),
    ]
    labels = [run.label for run in read_runs(folders)]
    assert labels == ["a, tiny", f"a, nejumi, {tmp_path / '2'}", f"a, nejumi, {tmp_path / '3'}", "b"]


def test_all_runs_below_a_folder_are_read_once(tmp_path: Path) -> None:
    for name, model in (("jaster/b", "b"), ("jaster/a", "a"), ("probes/c", "c")):
        write_run(tmp_path / name, results(model, []))
    again = [tmp_path / "jaster" / "b", tmp_path, tmp_path / "probes" / ".." / "jaster"]
    assert [run.label for run in read_runs([tmp_path / "jaster"])] == ["a", "b"]
    assert [run.label for run in read_runs(again)] == ["b", "a", "c"]
    assert read_runs(again)[0].folder == tmp_path / "jaster" / "b"
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty has no results\.json"):
        read_runs([tmp_path / "empty"])
