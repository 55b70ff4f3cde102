"""Runs whose data hold a document of random bytes: they go back, leave out its steps and go on."""

import dataclasses
import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError, Unstable
from tanuki_jax.checkpoints.format import State, damage, finish, read_state, rewrite, step_folder, steps
from tanuki_jax.config.experiment import Experiment, Rewind
from tanuki_jax.config.registry import experiment
from tanuki_jax.data.read_positions import Reading
from tanuki_jax.training.loss_history import RunHistory, Spike, read_history, with_history
from tanuki_jax.training.rewind import go_back
from tanuki_jax.training.runs.run_folder import RunFolder, read_events
from tests.training.conftest import Workspace, plain_documents, poisoned_workspace

pytestmark = pytest.mark.thorough

MODEL = experiment.find("tiny").model
BEGUN = State(step=0, tokens=0, skipped=(), model=MODEL, tokenizer="", sequence_length=64, data="", files={})


class Batches:
    """Batches whose reading and fingerprint show what they were asked for."""

    def fingerprint_before(self, data_step: int) -> str:
        return f"before {data_step}"

    def reading(self, data_step: int, skipped: Sequence[int]) -> Reading:
        return Reading(batch_rows=((0, 16), (data_step, len(skipped))))


def tiny(runs: Path) -> Experiment:
    return dataclasses.replace(experiment.find("tiny"), runs=str(runs))


@pytest.fixture(scope="module")
def rewound(poisoned: Workspace) -> list[dict[str, Any]]:
    """Return metrics of a run whose data steps 31 to 40 hold the bad document; eight are left out in two parts."""
    return poisoned.train("rewound")


def test_a_run_goes_back_and_leaves_out_the_data_of_a_spike(poisoned: Workspace, rewound: list[dict[str, Any]]) -> None:
    steps = [line for line in rewound if "loss" in line]
    assert [line["step"] for line in steps] == list(range(1, 61))
    assert [line["data_step"] for line in steps] == [*range(31), *range(39, 68)]
    assert [line["step"] for line in steps if not line["accepted"]] == [32, 33]
    assert steps[-1]["rejected"] == 2 and [line["rewinds"] for line in (steps[23], steps[24])] == [0, 2]
    events = [event for event in poisoned.events("rewound") if event["event"] == "rewound"]
    assert [(event["first"], event["last"], event["checkpoint"], event["skipped"]) for event in events] == [
        (32, 35, 24, [31, 34]),
        (32, 35, 24, [35, 38]),
    ]
    assert events[0]["reason"] == "4 of the steps from 32 to 35 were rejected"
    spike = json.loads((poisoned.folder / "runs" / "rewound" / "spikes" / "001.json").read_text())
    assert spike["data_steps"] == [31, 32, 33, 34]
    assert [line["step"] for line in spike["metrics"] if "loss" in line] == list(range(25, 36))
    assert all(line["loss"] > 5 for line in spike["metrics"] if line["step"] >= 32)


@pytest.mark.long
def test_it_returns_to_the_curve_of_clean_data(
    poisoned: Workspace, rewound: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    workspace = poisoned_workspace(
        tmp_path_factory.mktemp("clean"), plain_documents(1000), poisoned.folder / "tokenizer"
    )
    clean = workspace.train("clean")
    assert clean[-1]["step"] == rewound[-1]["step"] == 60
    assert rewound[-1]["held_out/all"] == pytest.approx(clean[-1]["held_out/all"], rel=0.02)


@pytest.mark.long
def test_a_run_that_is_killed_around_a_spike_does_the_same(poisoned: Workspace, rewound: list[dict[str, Any]]) -> None:
    for after in (26, 33, 36, 45):
        process = poisoned.start("train", f"--config={poisoned.config}", "--name", "killed")
        while len(poisoned.metrics("killed")) < after and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.communicate()
    assert poisoned.train_elsewhere("killed") == rewound


@pytest.mark.long
def test_a_loss_that_stays_high_is_left_out_and_the_rate_is_lower(poisoned: Workspace) -> None:
    """Without a guard the bad steps are taken, and the loss stays high."""
    words = (
        "--guard.deviations",
        "0",
        "--rewind.raised_steps",
        "16",
        "--schedule.peak",
        "0.03",
        "--seed",
        "3",
        "--steps",
        "150",
    )
    metrics = [line for line in poisoned.train("raised", *words, "--rewind.slow-steps", "10") if "loss" in line]
    event = next(event for event in poisoned.events("raised") if event["event"] == "rewound")
    assert "the loss has been above its level of 2.9" in event["reason"]
    assert metrics[-1]["rewinds"] == 1 and metrics[-1]["loss"] < 3.05
    first, last = event["skipped"]
    assert not set(range(first, last + 1)) & {line["data_step"] for line in metrics}
    slow = [
        line["step"]
        for before, line in itertools.pairwise(metrics)
        if line["learning_rate"] > 1.5 * before["learning_rate"]
    ]
    assert slow[-1] == event["checkpoint"] + 11


@pytest.mark.long
def test_two_processes_go_back_together(poisoned: Workspace, rewound: list[dict[str, Any]]) -> None:
    """And find, every twenty steps, that both compute the same twice."""
    finished = poisoned.train_together(2, "--name", "together", "--layout.fsdp", "8", "--integrity.every-steps", "20")
    assert finished.returncode == 0, finished.stdout
    together, alone = ([line for line in lines if "loss" in line] for lines in (poisoned.metrics("together"), rewound))
    assert [(line["data_step"], line["accepted"]) for line in together] == [
        (line["data_step"], line["accepted"]) for line in alone
    ]
    assert [line["loss"] for line in together] == pytest.approx([line["loss"] for line in alone], rel=1e-4)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Return a run with checkpoints after 8, 16 and 24 steps, that of 16 damaged."""
    run = RunFolder(tiny(tmp_path), writes=True)
    run.log_event("started")
    for step in (8, 16, 24):
        checkpoint = step_folder(run.checkpoints, step)
        (checkpoint / "base").mkdir(parents=True)
        (checkpoint / "base" / "array").write_text("bits")
        finish(checkpoint, dataclasses.replace(BEGUN, step=step, tokens=10 * step))
    (step_folder(run.checkpoints, 16) / "base" / "array").write_text("bots")
    for step in range(1, 31):
        run.log_metrics({"step": step, "loss": 2.0})
    return run


def spike(first: int, last: int) -> Spike:
    return Spike(first=first, last=last, data_steps=tuple(range(first - 1, last)), checkpoint=0, reason="it rose")


def test_going_back_leaves_a_folder_that_resumes_without_the_spike(run: RunFolder) -> None:
    slow = dataclasses.replace(tiny(run.path.parent), rewind=Rewind(slow_steps=5))
    before = spike(3, 4)
    progress = with_history(dataclasses.replace(BEGUN, step=24, skipped=(2, 3)), RunHistory(spikes=(before,)))
    go_back(slow, run, progress, spike(20, 30), Batches())
    assert steps(run.checkpoints) == [8]  # that of 16 is damaged, and that of 24 is of the spike
    state = read_state(step_folder(run.checkpoints, 8))
    located = dataclasses.replace(spike(20, 30), checkpoint=8)
    assert (state.step, state.tokens) == (8, 80)
    assert read_history(state) == RunHistory(spikes=(before, located), slow_until=13)
    assert state.skipped == (2, 3, *range(19, 30)) and state.data == "before 10"
    assert state.reading == Batches().reading(10, state.skipped)
    assert damage(step_folder(run.checkpoints, 8)) == ""
    kept = json.loads((run.path / "spikes" / "002.json").read_text())
    assert [line["step"] for line in kept.pop("metrics")] == list(range(9, 31))
    assert kept == dataclasses.asdict(located) | {"data_steps": list(range(19, 30))}


def test_a_run_stops_when_it_has_gone_back_often_enough(run: RunFolder) -> None:
    progress = with_history(BEGUN, RunHistory(spikes=(spike(1, 2),)))
    once = dataclasses.replace(tiny(run.path.parent), rewind=Rewind(max_rewinds=1))
    with pytest.raises(
        Unstable,
        match=r"it rose, and .*tiny has used all its rewinds \(rewind.max_rewinds 1\); .*tiny --spike 2",
    ):
        go_back(once, run, progress, spike(20, 30), Batches())
    assert steps(run.checkpoints) == [8, 16, 24] and read_events(run.path)[-1]["event"] == "unstable"
    assert json.loads((run.path / "spikes" / "002.json").read_text())["checkpoint"] == 8


def test_a_run_goes_back_to_batches_of_its_present_size_alone(run: RunFolder) -> None:
    for changed, reached in ((9, 8), (11, 0)):
        progress = dataclasses.replace(
            BEGUN, step=24, skipped=(2, 3), reading=Reading(batch_rows=((0, 8), (changed, 16)))
        )
        checkpoint = step_folder(run.checkpoints, 8)
        rewrite(checkpoint, dataclasses.replace(read_state(checkpoint), skipped=(2, 3)))
        if reached:
            assert go_back(tiny(run.path.parent), run, progress, spike(20, 30), Batches()).step == reached
        else:
            complaint = (
                r"from before step 20, and after data step 11, from which on batches have other rows, to go back to"
            )
            with pytest.raises(InputError, match=complaint):
                go_back(tiny(run.path.parent), run, progress, spike(20, 30), Batches())


def test_without_a_checkpoint_from_before_there_is_no_way_back(run: RunFolder) -> None:
    with pytest.raises(
        InputError, match=r"it rose, and .*tiny has no good checkpoint from before step 7 to go back to"
    ):
        go_back(tiny(run.path.parent), run, BEGUN, spike(7, 9), Batches())
    assert steps(run.checkpoints) == [8, 16, 24]
