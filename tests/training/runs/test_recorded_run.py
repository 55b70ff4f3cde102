"""Runs read from folders that are complete, in progress, torn, or of another version."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.registry import experiment, mixture
from tanuki_jax.config.serialize import to_json
from tanuki_jax.training.runs.recorded_run import held_out_names, labels, read_run

TINY = experiment.find("tiny")


def write_run(folder: Path, lines: list[dict[str, Any]], **changes: Any) -> Path:
    """Write a run of `tiny` with other values of some fields."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(to_json(replace(TINY, name=folder.name, **changes)))
    (folder / "mixture.json").write_text(to_json(mixture.find("demo")))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_a_run_is_read_while_its_last_line_is_written(tmp_path: Path) -> None:
    lines = [{"step": 0, "held_out/all": 9.0}, {"step": 1, "loss": 3.0}, {"step": 2, "loss": 7.0, "accepted": False}]
    run = read_run(write_run(tmp_path / "torn", [*lines, {"step": 3, "loss": None}]))
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    run = read_run(run.path)
    assert run.step == 3 and run.config["name"] == "torn" and run.mixture == mixture.find("demo")
    first, last = run.curve("loss")
    assert first == (1, 3.0) and last[0] == 3 and math.isnan(last[1])


def test_a_run_of_another_version_is_read_as_far_as_possible(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "older", [])
    fields = json.loads((folder / "config.json").read_text())
    del fields["early_stop"], fields["optimizer"]["kind"]
    (folder / "config.json").write_text(json.dumps(fields))
    assert read_run(folder).config == json.loads(to_json(replace(TINY, name="older")))
    fields["hyperdrive"] = {"on": True}
    (folder / "config.json").write_text(json.dumps(fields))
    (folder / "mixture.json").write_text('{"sources": 3}')
    newer = read_run(folder)
    assert newer.config["hyperdrive"] == {"on": True} and newer.mixture is None and newer.step == 0
    (folder / "config.json").unlink()
    assert read_run(folder).config == {}


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^there is no run at {tmp_path}/nowhere: no such folder$"):
        read_run(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"is not a run folder: it has neither config.json nor metrics.jsonl$"):
        read_run(tmp_path)


def test_the_time_of_a_run_is_that_of_its_steps(tmp_path: Path) -> None:
    lines = [
        {"step": 2, "tokens": 100, "tokens_per_second": 50.0},
        {"step": 2, "held_out/all": 1.0},
        {"step": 4, "tokens": 250, "tokens_per_second": 30.0},
    ]
    assert read_run(write_run(tmp_path / "run", lines)).seconds == 100 / 50 + 150 / 30


def test_held_out_losses_are_named_once_and_all_last(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", [{"step": 0, "held_out/all": 1.0, "held_out/a": 1.0, "held_out/all/kl": 0.0}])
    two = write_run(tmp_path / "two", [{"step": 0, "held_out/b": 1.0, "held_out/all": 1.0}])
    first, second = read_run(one), read_run(two)
    assert held_out_names([first]) == ["held_out/a"]
    assert held_out_names([first, second]) == ["held_out/a", "held_out/b", "held_out/all"]
    assert held_out_names([read_run(write_run(tmp_path / "none", []))]) == []


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    runs = [read_run(write_run(tmp_path / path, [])) for path in ("a/x", "b/x", "y")]
    assert labels(runs) == [f"{tmp_path}/a/x", f"{tmp_path}/b/x", "y"]
