"""Runs that are watched: a source that is only held out, losses by source, and an early stop."""

import json
import shutil
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tests.training.conftest import Workspace

pytestmark = pytest.mark.thorough

MIXTURE = """
import dataclasses
from pathlib import Path

from tanuki_jax.config.mixture import Source
from tanuki_jax.config.registry import mixture


def watched():
    plain = mixture.find(f"{Path(__file__).parent}/small.py:sources")
    exam = Source(name="exam", tasks=("table",), documents=60, held_out=True)
    return dataclasses.replace(plain, sources=(exam, *plain.sources))
"""
WORDS = ("--data.mixture=watch.py:watched", "--logging.by-source", "--held-out.every-steps=5")
STOP = ("--early-stop.patience=2", "--early-stop.min-delta=100")
"""After an early stop that comes at the second evaluation after the first, since nothing improves by 100 nats."""


@pytest.fixture(scope="module")
def watched(workspace: Workspace) -> Workspace:
    """Return the workspace with a source that is only held out, and its store."""
    (workspace.folder / "watch.py").write_text(MIXTURE)
    prepared = workspace.run("prepare", "--config=small.py:small", "--data.mixture=watch.py:watched", "--workers=1")
    assert prepared.returncode == 0 and "it was trained" not in prepared.stderr, prepared.stderr
    rows = [(line.split()[0], line.split()[-1]) for line in prepared.stdout.splitlines() if line.split()[1:]]
    assert rows[-3:] == [("exam", "new"), ("tasks", "date"), ("files", "date")]
    return workspace


def steps(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of steps, without losses of sources."""
    lines = [line for line in metrics if "loss" in line]
    return [{name: value for name, value in line.items() if not name.startswith("loss/")} for line in lines]


def test_a_watched_run_takes_the_steps_of_another_and_stops_early(
    watched: Workspace, undisturbed: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = watched.train("watched", *WORDS, *STOP)
    assert steps(metrics) == steps(undisturbed)[:10]
    for line in metrics:
        if "loss" in line:
            lower, higher = sorted((line["loss/files"], line["loss/tasks"]))
            assert lower < line["loss"] < higher
    evaluations = [line for line in metrics if "held_out/all" in line]
    assert [line["step"] for line in evaluations] == [0, 5, 10]
    assert evaluations[0].keys() == {"step", "held_out/exam", "held_out/tasks", "held_out/files", "held_out/all"}
    assert evaluations[0]["held_out/tasks"] == undisturbed[0]["held_out/tasks"]
    first = evaluations[0]["held_out/all"]
    reason = f"held_out/all did not improve by 100 in 2 evaluations, since its {first:.4f} of step 0"
    assert watched.events("watched")[-1] | {"time": ""} == {
        "time": "", "event": "stopped_early", "step": 10, "reason": reason,
    }  # fmt: skip
    saved = [path.name for path in sorted((watched.folder / "runs" / "watched" / "checkpoints").iterdir())]
    assert saved[-1] == "00000010"
    ended = f"step 10 of 40, {metrics[-2]['tokens']:,} tokens, stopped early, because {reason}; a larger"
    assert ended in capsys.readouterr().out
    assert watched.train("watched", *WORDS, *STOP) == metrics
    assert ended in capsys.readouterr().out
    assert [event["event"] for event in watched.events("watched")].count("stopped_early") == 1


@pytest.mark.long
def test_a_killed_run_stops_at_the_same_step(watched: Workspace) -> None:
    metrics = watched.train("stopped", *WORDS, *STOP)
    run = watched.folder / "runs" / "stopped"
    shutil.rmtree(run / "checkpoints" / "00000010")
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 11, "lo')
    assert watched.train("stopped", *WORDS, *STOP) == metrics
    assert [event["step"] for event in watched.events("stopped") if event["event"] == "resumed"] == [8]
    longer = watched.train("stopped", *WORDS, *STOP, "--early-stop.patience=3")
    assert longer[: len(metrics)] == metrics
    assert longer[-1]["step"] == 15 and "held_out/all" in longer[-1]


@pytest.mark.long
def test_a_held_out_source_is_added_to_a_run(watched: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    run = watched.folder / "runs" / "added"
    shutil.copytree(watched.folder / "runs" / "undisturbed", run)
    shutil.rmtree(run / "checkpoints" / "00000040")
    metrics = watched.train("added", "--data.mixture=watch.py:watched")
    assert steps(metrics) == steps(undisturbed)
    assert "held_out/exam" in metrics[-1] and "held_out/exam" not in metrics[0]
    changed = [event["changed"] for event in watched.events("added") if event["event"] == "config"]
    assert changed[-1] == ["name", "data", "mixture"]
    assert json.loads((run / "mixture.json").read_text())["sources"][0]["held_out"]


@pytest.mark.long
def test_two_processes_stop_early_at_the_same_step(watched: Workspace) -> None:
    finished = watched.train_together(2, "--name=together", "--layout.fsdp=8", *WORDS, *STOP)
    assert finished.returncode == 0 and "stopped early, because" in finished.stdout, finished.stdout
    lines = watched.metrics("together")
    assert lines[-1]["step"] == 10 and all("loss/files" in line for line in lines if "loss" in line)


def test_a_metric_that_is_never_measured_is_refused(watched: Workspace) -> None:
    sentence = (
        "early_stop.metric is held_out/exam, but the evaluations have held_out/tasks, held_out/files, held_out/all"
    )
    with pytest.raises(InputError, match=sentence):
        watched.train("refused", "--early-stop.patience=1", "--early-stop.metric=held_out/exam")
    assert not (watched.folder / "runs" / "refused").exists()
