"""Run folder: metrics cut back, configs compared, nothing written by processes that must not write."""

import dataclasses
import math
import re
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import Source
from tanuki_jax.config.registry import experiment, mixture
from tanuki_jax.training.runs.run_folder import RunFolder, read_events, read_metrics


def test_metrics_are_cut_back_to_a_step_and_lose_an_unfinished_line(tmp_path: Path) -> None:
    run = RunFolder(dataclasses.replace(experiment.find("tiny"), runs=str(tmp_path)), writes=True)
    run.log_event("started")
    for step in range(1, 6):
        run.log_metrics({"step": step, "loss": 1.5})
    run.log_metrics({"step": 4, "held_out/all": 2.0})
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')
    run.cut_metrics_after(4)
    assert [line["step"] for line in read_metrics(run.path)] == [1, 2, 3, 4, 4]
    run.log_metrics({"step": 5, "loss": float("nan")})
    *_, last = read_metrics(run.path)
    assert last["step"] == 5 and math.isnan(last["loss"])
    run.cut_metrics_after(4)
    assert len(list(read_metrics(run.path))) == 5


@pytest.mark.parametrize(
    ("bad", "fault"), [("garbage", "is not JSON: .*"), ("5", "has no field step"), ('{"a": 1}', "has no field step")]
)
def test_another_bad_line_of_metrics_is_named_and_nothing_is_lost(bad: str, fault: str, tmp_path: Path) -> None:
    run = RunFolder(dataclasses.replace(experiment.find("tiny"), runs=str(tmp_path)), writes=True)
    run.log_event("started")
    metrics = run.path / "metrics.jsonl"
    metrics.write_text(f'{{"step": 1}}\n{bad}\n{{"step": 2}}\n')
    with pytest.raises(InputError, match=rf"metrics\.jsonl, line 2, {fault}; delete the line to go on without it$"):
        run.cut_metrics_after(1)
    assert metrics.read_text().count("step") >= 2


def test_an_event_after_a_torn_one_is_read(tmp_path: Path) -> None:
    run = RunFolder(dataclasses.replace(experiment.find("tiny"), runs=str(tmp_path)), writes=True)
    run.log_event("started")
    with (run.path / "events.jsonl").open("a") as file:
        file.write('{"time": "2026-')
    run.log_event("resumed", step=3)
    assert [event["event"] for event in read_events(run.path)] == ["started", "resumed"]


def test_a_run_that_begins_again_keeps_no_metrics(tmp_path: Path) -> None:
    run = RunFolder(dataclasses.replace(experiment.find("tiny"), runs=str(tmp_path)), writes=True)
    run.log_event("started")
    run.log_metrics({"step": 0, "held_out/all": 2.0})
    run.cut_metrics_after(0)
    assert list(read_metrics(run.path)) == []


def test_changed_fields_are_named(tmp_path: Path) -> None:
    tiny = dataclasses.replace(experiment.find("tiny"), runs=str(tmp_path))
    run = RunFolder(tiny, writes=True)
    run.log_event("started")
    assert run.write_config(tiny, mixture.find("demo")) == []
    assert run.write_config(dataclasses.replace(tiny, steps=7, seed=1), mixture.find("demo")) == ["steps", "seed"]


def test_a_mixture_of_an_older_version_is_the_same_mixture(tmp_path: Path) -> None:
    tiny, demo = dataclasses.replace(experiment.find("tiny"), runs=str(tmp_path)), mixture.find("demo")
    run = RunFolder(tiny, writes=True)
    run.log_event("started")
    assert run.write_config(tiny, demo) == []
    path = run.path / "mixture.json"
    path.write_text(re.sub(r',\s*"held_out": false', "", path.read_text()))
    assert "held_out" not in path.read_text()
    assert run.write_config(tiny, demo) == []
    watched = dataclasses.replace(demo, sources=(*demo.sources, Source(name="exam", held_out=True)))
    assert run.write_config(tiny, watched) == ["mixture"]


def test_a_process_that_does_not_write_leaves_no_trace(tmp_path: Path) -> None:
    tiny = dataclasses.replace(experiment.find("tiny"), runs=str(tmp_path / "runs"))
    run = RunFolder(tiny, writes=False)
    run.write_config(tiny, mixture.find("demo"))
    run.log_metrics({"step": 1})
    run.log_event("started")
    assert list(tmp_path.iterdir()) == []


def test_events_are_read_and_a_bad_line_is_named(tmp_path: Path) -> None:
    assert read_events(tmp_path) == []
    events = tmp_path / "events.jsonl"
    events.write_text('{"event": "started", "seed": 1}\n{"event": "resu')
    assert read_events(tmp_path) == [{"event": "started", "seed": 1}]
    events.write_text('{"event": "started"}\nrubbish\n{"event": "resumed"}\n')
    with pytest.raises(
        InputError, match=r"events.jsonl, line 2, is not JSON: Expecting value; move the file away to go on without it"
    ):
        read_events(tmp_path)
    events.write_text("[1]\n")
    with pytest.raises(InputError, match=r"events.jsonl, line 1, is not an event: it has no field event"):
        read_events(tmp_path)
