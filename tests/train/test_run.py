"""Whole runs through the door: what they leave, and that nothing that happens to them changes what they compute."""

import json
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.train.conftest import Workspace


def losses(metrics: list[dict[str, Any]]) -> list[float]:
    return [line["loss"] for line in metrics if "loss" in line]


def wait_for_steps(workspace: Workspace, name: str, steps: int, process: Any) -> None:
    while len(losses(workspace.metrics(name))) < steps and process.poll() is None:
        time.sleep(0.005)


def test_a_run_leaves_its_folder(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    run = workspace.folder / "runs" / "undisturbed"
    assert [line["step"] for line in undisturbed if "loss" in line] == list(range(1, 41))
    held_out = [line for line in undisturbed if "held_out/all" in line]
    assert [line["step"] for line in held_out] == [0, 20, 40]
    assert set(held_out[0]) == {"step", "held_out/tasks", "held_out/files", "held_out/all"}
    assert held_out[-1]["held_out/all"] < 0.7 * held_out[0]["held_out/all"]
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["00000024", "00000032", "00000040"]
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert list((run / "tensorboard").iterdir())
    assert json.loads((run / "config.json").read_text())["name"] == "undisturbed"
    events = {event["event"]: event for event in workspace.events("undisturbed")}
    assert events["config"]["devices"] == "8 x cpu" and "jax" in events["config"]["versions"]
    assert events["flops"]["per_token"] > 0
    again = workspace.run("train", "--config=small.py:small", "--name", "undisturbed")
    assert again.returncode == 0 and "step 40 of 40" in again.stdout and "finished" in again.stdout


def kill_and_resume(workspace: Workspace, name: str, kills: int, seed: int) -> None:
    """Kills a run `kills` times at random moments, then lets it finish."""
    chance = random.Random(seed)
    for _ in range(kills):
        process = workspace.start("train", "--config=small.py:small", "--name", name)
        wait_for_steps(workspace, name, chance.randrange(1, 36), process)
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.communicate()
    workspace.train(name)


def test_kill_9_at_random_moments_changes_no_bit_of_the_metrics(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    kill_and_resume(workspace, "killed", kills=3, seed=0)
    assert workspace.metrics("killed") == undisturbed
    assert any(event["event"] == "resumed" for event in workspace.events("killed"))


@pytest.mark.long
def test_kill_9_twenty_times_changes_no_bit_of_the_metrics(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    for seed in range(1, 6):
        kill_and_resume(workspace, f"killed{seed}", kills=4, seed=seed)
        assert workspace.metrics(f"killed{seed}") == undisturbed


def test_ctrl_c_saves_and_the_same_command_goes_on(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    process = workspace.start("train", "--config=small.py:small", "--name", "interrupted")
    wait_for_steps(workspace, "interrupted", 3, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "stopped and saved; the same command goes on" in out
    stopped = len(losses(workspace.metrics("interrupted")))
    assert 3 <= stopped < 40
    workspace.train("interrupted")
    assert [event["step"] for event in workspace.events("interrupted") if event["event"] == "resumed"] == [stopped]
    assert workspace.metrics("interrupted") == undisturbed


def test_two_processes_of_four_devices_follow_one_device(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    alone = workspace.train("alone", devices=1)
    words = ("train", "--config=small.py:small", "--name", "together", "--distributed", "--layout.fsdp", "2", "--layout.tensor", "2")
    address = {"JAX_COORDINATOR_ADDRESS": "localhost:29517", "JAX_NUM_PROCESSES": "2"}
    processes = [workspace.start(*words, devices=4, JAX_PROCESS_ID=str(number), **address) for number in range(2)]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    together = workspace.metrics("together")
    np.testing.assert_allclose(losses(together)[:1], losses(alone)[:1], rtol=1e-5)
    np.testing.assert_allclose(losses(together)[:20], losses(alone)[:20], rtol=1e-4)
    np.testing.assert_allclose(losses(undisturbed)[:20], losses(alone)[:20], rtol=1e-4)
    assert {event["event"]: event for event in workspace.events("together")}["config"]["processes"] == 2


def test_a_run_goes_on_with_another_layout_and_number_of_devices(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    shutil.copytree(workspace.folder / "runs" / "undisturbed", workspace.folder / "runs" / "moved")
    for step in (32, 40):
        shutil.rmtree(workspace.folder / "runs" / "moved" / "checkpoints" / f"{step:08d}")
    moved = workspace.train("moved", "--layout.fsdp", "4", "--layout.accumulation", "2", "--layout.data", "1", devices=4)
    assert [line["step"] for line in moved if "loss" in line] == list(range(1, 41))
    np.testing.assert_allclose(losses(moved), losses(undisturbed), rtol=1e-4)


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    run = workspace.folder / "runs" / "damaged"
    shutil.copytree(workspace.folder / "runs" / "undisturbed", run)
    victim = max((run / "checkpoints" / "00000040" / "base").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0x10
    victim.write_bytes(content)
    assert workspace.train("damaged") == undisturbed
    events = {event["event"]: event for event in workspace.events("damaged")}
    assert events["checkpoint_damaged"]["reason"].endswith("has another checksum than when it was saved")
    assert events["resumed"]["step"] == 32


def test_a_stage_starts_from_the_weights_of_another_run(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    words = ("--start.checkpoint", "runs/undisturbed", "--steps", "2", "--model.rope-theta", "20000")
    for load in ("parameters", "parameters_and_optimizer"):
        stage = workspace.train(f"stage_{load}", *words, "--start.load", load)
        assert stage[0]["held_out/all"] < 0.8 * undisturbed[0]["held_out/all"]
        assert stage[1]["learning_rate"] == undisturbed[1]["learning_rate"]


def test_a_profile_is_written(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    workspace.train("profiled", "--steps", "6", "--profile", "2")
    assert list((workspace.folder / "runs" / "profiled" / "profile").rglob("*.xplane.pb"))


def refuse(workspace: Workspace, *words: str) -> str:
    """The sentence with which `train` refuses; it is alone on stderr."""
    refused = workspace.run("train", "--config=small.py:small", *words)
    assert refused.returncode == 2, refused
    assert refused.stderr.count("\n") == 1 and refused.stdout == "", refused
    return refused.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--name", "x", "--layout.fsdp", "3"), "does not fit 8 devices"),
        (("--name", "x", "--data.batch-rows", "12", "--held-out.rows", "12"), "is not divided by the 8 devices"),
        (("--name", "x", "--data.stores", "nowhere"), "nowhere has no store of tasks, files"),
        (
            ("--name", "x", "--model.vocabulary", "768", "--data.tokenizer.pieces", "600"),
            "the tokenizer has 900 pieces, more than model.vocabulary 768",
        ),
        (("--name", "x", "--start.checkpoint", "runs/nobody"), "there is no checkpoint at runs/nobody"),
        (("--name", "x", "--start.checkpoint", "runs/undisturbed", "--model.layers", "3"), "is of another model: its layers is 2"),
        (("--name", "undisturbed", "--model.hidden", "96", "--steps", "50"), "is of another model: its hidden is 64"),
        (("--name", "undisturbed", "--data.sequence-length", "32", "--steps", "50"), "the data changed since"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    workspace: Workspace, undisturbed: list[dict[str, Any]], words: tuple[str, ...], sentence: str
) -> None:
    before = sorted((workspace.folder / "runs").iterdir())
    assert sentence in refuse(workspace, *words)
    assert [path for path in sorted((workspace.folder / "runs").iterdir()) if path not in before and any(path.rglob("*.json"))] == []


def test_changed_documents_refuse_resume(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    stores = workspace.folder / "stores"
    kept = Path(shutil.copytree(stores, workspace.folder / "kept"))
    try:
        with (workspace.folder / "0.txt").open("a") as file:
            file.write("\nchanged = True\n")
        shutil.rmtree(stores / "files")
        assert workspace.run("prepare", "--config=small.py:small", "--workers", "1").returncode == 0
        assert "the data changed since" in refuse(workspace, "--name", "undisturbed", "--steps", "50")
    finally:
        shutil.rmtree(stores)
        kept.rename(stores)
