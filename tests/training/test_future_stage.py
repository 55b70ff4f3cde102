"""A stage of the mixture that is added while a run is stopped: the run is then the one that had it from the start."""

import json
import shutil

import pytest

from tanuki_jax.base.errors import InputError
from tests.training.conftest import Workspace

MIXTURES = """
from tanuki_jax.config.mixture import Mixture, Stage
from small import sources

def of(*stages):
    return Mixture(sources=sources().sources, stages=stages)

def plain():
    return of(Stage(weights={"files": 1}))

def grown():
    return of(Stage(weights={"files": 1}), Stage(from_step=20, weights={"files": 1, "tasks": 3}))

def late():
    return of(Stage(weights={"files": 1}), Stage(from_step=10, weights={"files": 1, "tasks": 3}))
"""


@pytest.mark.long
def test_a_run_with_a_stage_added_is_the_run_that_had_it(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace.folder / "stages.py").write_text(MIXTURES)
    monkeypatch.syspath_prepend(str(workspace.folder))
    end = ("--schedule.end-step=40",)
    whole = workspace.train("from the start", "--data.mixture=stages.py:grown", *end)
    workspace.train("stopped", "--data.mixture=stages.py:plain", *end, "--steps=16")
    shutil.copytree(workspace.folder / "runs" / "stopped", workspace.folder / "runs" / "late")
    resumed = workspace.train("stopped", "--data.mixture=stages.py:grown", *end)

    def steps(lines: list[dict[str, object]]) -> list[dict[str, object]]:
        """Return lines of steps; before the stage begins, only the grown mixture knows `tasks`."""
        dropped = ("epochs/tasks",)
        return [
            {name: value for name, value in line.items() if name not in dropped} for line in lines if "loss" in line
        ]

    assert steps(resumed) == steps(whole)
    assert (
        json.loads((workspace.folder / "runs" / "stopped" / "mixture.json").read_text())["stages"][1]["from_step"] == 20
    )
    changed = [event["changed"] for event in workspace.events("stopped") if event["event"] == "config"]
    assert "mixture" in changed[-1]
    with pytest.raises(InputError, match="only stages of the mixture that have not begun may change"):
        workspace.train("late", "--data.mixture=stages.py:late", *end)
