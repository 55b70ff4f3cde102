"""Runs that read on where another run stopped, and runs whose batches get other rows."""

import contextlib
import dataclasses
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State, find, read_state
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.registry import experiment as experiments
from tanuki_jax.config.serialize import from_json, to_json
from tanuki_jax.data.loader import Fragment, Loader
from tanuki_jax.data.read_positions import Reading
from tanuki_jax.data.store import Store
from tanuki_jax.training.explain.step_documents import explain
from tanuki_jax.training.read_on import begin_where_stopped, recorded_reading, resume_reading
from tanuki_jax.training.runs.run_folder import RunFolder, read_events
from tests.data.test_loader import SIZES, data, mixture, write_store
from tests.training.conftest import Workspace
from tests.training.test_job import wait_for_steps

BOTH = mixture((0, {"a": 2.0, "b": 1.0}))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    folder = tmp_path_factory.mktemp("stores")
    return {name: write_store(folder / name, number, sizes) for number, (name, sizes) in enumerate(SIZES.items())}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(small(tmp_path), writes=True)


def small(runs: Path, **changes: object) -> Experiment:
    tiny = experiments.find("tiny")
    return dataclasses.replace(tiny, name="some", data=data(**changes), runs=str(runs))


def state_at(loader: Loader, step: int, skipped: tuple[int, ...] = ()) -> State:
    """Return the state that a run with these batches saves, all of whose skipped data steps come later."""
    return State(
        step=step,
        tokens=0,
        skipped=skipped,
        model=experiments.find("tiny").model,
        tokenizer="",
        sequence_length=16,
        data=loader.fingerprint_before(step),
        files={},
        reading=loader.reading(step, skipped),
    )


def loader_of(stores: dict[str, Store], seed: int = 0, **changes: object) -> Loader:
    return Loader(stores, BOTH, data(**changes), seed)


def test_a_new_run_begins_where_the_checkpoint_is(stores: dict[str, Store], run: RunFolder) -> None:
    old, new = loader_of(stores), loader_of(stores)
    first = begin_where_stopped(small(run.path.parent), run, state_at(old, 0), Path("there"), state_at(old, 5), new)
    assert new.reading(0, ()).positions == old.reading(5, ()).positions == first.reading.begins
    assert first.data == new.fingerprint != old.fingerprint
    event = read_events(run.path)[0]
    assert (event["event"], event["checkpoint"], event["sources"]) == ("reads_on", "there", ["a", "b"])
    assert from_json(json.dumps(event["reading"]), Reading) == first.reading


def test_documents_that_are_held_out_only_now_are_said(
    stores: dict[str, Store], run: RunFolder, caplog: pytest.LogCaptureFixture
) -> None:
    old, wanted = loader_of(stores, held_out_share=0.1), small(run.path.parent, held_out_share=0.2)
    new = loader_of(stores, held_out_share=0.2)
    begin_where_stopped(wanted, run, state_at(old, 0), Path("there"), state_at(old, 5), new)
    assert caplog.messages[-1].startswith(
        "data.held_out_share is 0.2 and was 0.1: held-out losses are also of documents"
    )


def test_a_source_with_another_store_begins_with_its_first_row(
    stores: dict[str, Store], run: RunFolder, tmp_path: Path
) -> None:
    old = loader_of(stores)
    other = {"a": stores["a"], "b": write_store(tmp_path / "b", 1, [9, 9, 30])}
    new = Loader(other, BOTH, data(), 0)
    begin_where_stopped(small(run.path.parent), run, state_at(old, 0), Path("there"), state_at(old, 5), new)
    assert new.continued == ("a",) and new.epochs(0)["b"] == 0
    nothing = Loader({"b": other["b"]}, mixture((0, {"b": 1.0})), data(), 0)
    with pytest.raises(InputError, match=r"no source of the mixture is one of those that there has read, a, b, from"):
        begin_where_stopped(small(run.path.parent), run, state_at(old, 0), Path("there"), state_at(old, 5), nothing)


def test_a_checkpoint_that_does_not_say_what_it_has_read_is_refused(stores: dict[str, Store], run: RunFolder) -> None:
    state = dataclasses.replace(state_at(loader_of(stores), 5), reading=Reading())
    with pytest.raises(InputError, match=r"start\.data is continue, but there does not say .*start\.data to anew$"):
        begin_where_stopped(small(run.path.parent), run, state, Path("there"), state, loader_of(stores))


def test_the_rows_of_a_batch_may_change_where_a_run_resumes(stores: dict[str, Store], run: RunFolder) -> None:
    state, changed = state_at(loader_of(stores), 5), loader_of(stores, batch_rows=24)
    for _ in range(2):  # killed before its next checkpoint, it does the same
        resumed = resume_reading(small(run.path.parent, batch_rows=24), run, Path("there"), state, changed)
        assert resumed == dataclasses.replace(state, reading=changed.reading(5, ()))
        assert resumed.reading.batch_rows == ((0, 8), (5, 24))
        event = read_events(run.path)[-1]
        assert [event[name] for name in ("event", "after", "data_step", "before", "now")] == [
            "batch_rows_changed", 5, 5, 8, 24
        ]  # fmt: skip
    again = resume_reading(small(run.path.parent, batch_rows=24), run, Path("there"), state_at(changed, 7), changed)
    assert again == state_at(changed, 7) and len(read_events(run.path)) == 2


def test_an_early_checkpoint_has_the_rows_of_the_last_config(stores: dict[str, Store], run: RunFolder) -> None:
    state = dataclasses.replace(state_at(loader_of(stores), 5), reading=Reading())
    wanted, changed = small(run.path.parent, batch_rows=24), loader_of(stores, batch_rows=24)
    with pytest.raises(InputError, match="the data changed since there was saved"):
        resume_reading(wanted, run, Path("there"), state, changed)
    run.path.mkdir()
    run.write_config(small(run.path.parent), BOTH)
    assert resume_reading(wanted, run, Path("there"), state, changed).reading.batch_rows == ((0, 8), (5, 24))
    assert resume_reading(small(run.path.parent), run, Path("there"), state, loader_of(stores)).step == 5


def test_rows_do_not_change_under_data_steps_that_are_skipped(stores: dict[str, Store], run: RunFolder) -> None:
    state, changed = state_at(loader_of(stores), 5, (6, 7)), loader_of(stores, batch_rows=24)
    complaint = r"changes from 8 to 24 at data step 5, but .*some leaves out data step 7, .*; keep 8 until"
    with pytest.raises(InputError, match=complaint):
        resume_reading(small(run.path.parent, batch_rows=24), run, Path("there"), state, changed)


@pytest.mark.parametrize(
    ("changes", "seed", "difference"),
    [
        ({"sequence_length": 32}, 0, "data.sequence_length is 32 and was 16"),
        ({"window_documents": 9, "held_out_share": 0.1}, 0,
         "data.window_documents is 9 and was 1000000, data.held_out_share is 0.1 and was 0.0"),
        ({}, 4, "seed is 4 and was 0"),
    ],
)  # fmt: skip
def test_what_changes_rows_is_named_with_the_command_of_a_new_run(
    stores: dict[str, Store], run: RunFolder, changes: dict[str, Any], seed: int, difference: str
) -> None:
    (run.path.parent / "some_2").mkdir()
    wanted = dataclasses.replace(small(run.path.parent, **changes), seed=seed)
    state = state_at(loader_of(stores), 5)
    with pytest.raises(InputError) as refused:
        resume_reading(wanted, run, Path("there"), state, loader_of(stores, seed, **changes))
    command = f"--name=some_3 --start.checkpoint={run.path} --start.data=continue"
    assert f"was saved ({difference}); undo that" in str(refused.value) and command in str(refused.value)
    begin_where_stopped(
        small(run.path.parent), run, state, Path("there"), state, loader_of(stores, seed, **changes)
    )  # the command works


def test_a_run_without_a_checkpoint_is_read_from_its_events(stores: dict[str, Store], run: RunFolder) -> None:
    anew = small(run.path.parent)
    wanted = dataclasses.replace(anew, start=dataclasses.replace(anew.start, checkpoint="there", data="continue"))
    old, new = loader_of(stores), loader_of(stores)
    assert recorded_reading(run.path, wanted, None) == Reading()
    first = begin_where_stopped(small(run.path.parent), run, state_at(old, 0), Path("there"), state_at(old, 5), new)
    assert recorded_reading(run.path, wanted, None) == first.reading
    assert recorded_reading(run.path, anew, None) == Reading()
    assert recorded_reading(run.path, anew, state_at(new, 3)).begins == first.reading.begins


def of_run(workspace: Workspace, name: str, steps: Sequence[int]) -> list[Fragment]:
    """Return the fragments that steps of a run read, as `explain` says."""
    with contextlib.chdir(workspace.folder):
        return [each.fragment for step in steps for each in explain(Path("runs") / name, step).fragments]


def assert_none_twice(fragments: Sequence[Fragment]) -> None:
    inputs = Counter(
        (part.source, part.epoch, part.document, part.start + n) for part in fragments for n in range(part.length)
    )
    assert set(inputs.values()) == {1}


@pytest.mark.long
def test_a_killed_run_that_reads_on_is_the_run_without_the_kill(
    workspace: Workspace, undisturbed: list[dict[str, Any]]
) -> None:
    """Killed before its first checkpoint and after; then a new run of the new run, with rows of another length."""
    onward = ("--start.data=continue", "--data.batch-rows=8", "--held-out.rows=8")
    words = ("--start.checkpoint=runs/undisturbed", "--steps=20", *onward)
    whole = workspace.train("onward", *words)
    for after in (3, 11):
        process = workspace.start("train", "--config=small.py:small", "--name=killed_onward", *words)
        wait_for_steps(workspace, "killed_onward", after, process)
        process.kill()
        process.communicate()
        steps = range(1, after + 1)
        assert of_run(workspace, "killed_onward", steps) == of_run(workspace, "onward", steps)
    assert workspace.train("killed_onward", *words) == whole
    last = [line for line in undisturbed if "loss" in line][-1]["epochs/tasks"]
    assert whole[1]["epochs/tasks"] > last
    further = ("--start.checkpoint=runs/onward", "--start.load=parameters_and_optimizer", "--data.sequence-length=96")
    workspace.train("further", *further, *onward, "--steps=12")
    read = of_run(workspace, "undisturbed", range(1, 41)) + of_run(workspace, "onward", range(1, 21))
    assert_none_twice(read + of_run(workspace, "further", range(1, 13)))


@pytest.mark.long
def test_a_run_whose_batches_get_other_rows_reads_each_document_once(
    workspace: Workspace, undisturbed: list[dict[str, Any]]
) -> None:
    end = ("--schedule.end-step=40",)
    larger = ("--data.batch-rows=32", "--layout.accumulation=2", *end)
    before = workspace.train("resized", "--steps=16", *end)
    shutil.copytree(workspace.folder / "runs" / "resized", workspace.folder / "runs" / "resized_killed")
    after = workspace.train("resized", *larger, "--steps=30")
    process = workspace.start("train", "--config=small.py:small", "--name=resized_killed", *larger, "--steps=30")
    wait_for_steps(workspace, "resized_killed", 26, process)
    process.kill()
    process.communicate()
    assert workspace.train("resized_killed", *larger, "--steps=30") == after
    steps = [line for line in after if "loss" in line]
    assert steps[:16] == [line for line in before if "loss" in line]
    assert [line["data_step"] for line in steps] == list(range(30))
    assert of_run(workspace, "resized", range(17, 23)) == of_run(workspace, "undisturbed", range(17, 29))
    assert_none_twice(of_run(workspace, "resized", range(1, 31)))
    event = next(event for event in workspace.events("resized") if event["event"] == "batch_rows_changed")
    assert (event["after"], event["before"], event["now"]) == (16, 16, 32)
    state = read_state(find(str(workspace.folder / "runs" / "resized")))
    assert state.reading.batch_rows == ((0, 16), (16, 32)) and from_json(to_json(state), State) == state
