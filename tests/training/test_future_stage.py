"""A stage of the mixture that is added while a run is stopped: the run is then the one that had it from the start."""

import json
import shutil
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tests.training.conftest import Workspace
from tests.training.test_job import wait_for_steps

MIXTURES = """
from tanuki_jax.config.mixture import Mixture, Stage
from small import sources

TASKS, FILES = sources().sources

def plain():
    return Mixture(sources=(FILES,), stages=(Stage(weights={"files": 1}),))

def of(*stages):
    return Mixture(sources=(TASKS, FILES), stages=stages)

def grown():
    return of(Stage(weights={"files": 1}), Stage(from_step=20, weights={"files": 1, "tasks": 3}))

def late():
    return of(Stage(weights={"files": 1}), Stage(from_step=10, weights={"files": 1, "tasks": 3}))

def both():
    return of(Stage(weights={"files": 1, "tasks": 1}), Stage(from_step=20, weights={"tasks": 1}))

def weighted():
    return of(Stage(weights={"files": 1, "tasks": 1}), Stage(from_step=20, weights={"files": 1, "tasks": 6}),
              Stage(from_step=30, weights={"files": 1}))
"""
END = ("--schedule.end-step=40",)


@pytest.fixture
def stages(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    (workspace.folder / "stages.py").write_text(MIXTURES)
    monkeypatch.syspath_prepend(str(workspace.folder))
    return workspace


def steps(lines: list[dict[str, Any]], *dropped: str) -> list[dict[str, Any]]:
    """Return the lines of steps without some metrics."""
    return [{name: value for name, value in line.items() if name not in dropped} for line in lines if "loss" in line]


@pytest.mark.long
def test_a_run_with_a_stage_added_is_the_run_that_had_it(stages: Workspace) -> None:
    """The source `tasks` is of this stage alone; before the stage begins, only the grown mixture knows it."""
    whole = stages.train("from the start", "--data.mixture=stages.py:grown", *END)
    stages.train("stopped", "--data.mixture=stages.py:plain", *END, "--steps=16")
    runs = stages.folder / "runs"
    assert [source["name"] for source in json.loads((runs / "stopped" / "mixture.json").read_text())["sources"]] == [
        "files"
    ]
    shutil.copytree(runs / "stopped", runs / "late")
    resumed = stages.train("stopped", "--data.mixture=stages.py:grown", *END)
    assert steps(resumed, "epochs/tasks") == steps(whole, "epochs/tasks")
    assert steps(resumed)[16:] == steps(whole)[16:]
    assert json.loads((runs / "stopped" / "mixture.json").read_text())["stages"][1]["from_step"] == 20
    changed = [event["changed"] for event in stages.events("stopped") if event["event"] == "config"]
    assert "mixture" in changed[-1]
    with pytest.raises(InputError, match="and stages of the mixture that have not begun, may change"):
        stages.train("late", "--data.mixture=stages.py:late", *END)


@pytest.mark.long
def test_a_killed_run_whose_later_weights_change_is_the_run_with_them(stages: Workspace) -> None:
    whole = stages.train("weighted", "--data.mixture=stages.py:weighted", *END)
    process = stages.start(
        "train", "--config=small.py:small", "--name=killed_stage", "--data.mixture=stages.py:both", *END
    )
    wait_for_steps(stages, "killed_stage", 10, process)
    process.kill()
    process.communicate()
    assert 10 <= len(steps(stages.metrics("killed_stage"))) < 24  # its newest checkpoint is from before the stage
    assert steps(stages.train("killed_stage", "--data.mixture=stages.py:weighted", *END)) == steps(whole)
