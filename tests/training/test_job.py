"""Full runs of the command: their files, and that no interruption changes what they compute."""

import json
import random
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import find
from tanuki_jax.data.tokenizer.load import load as load_tokenizer
from tanuki_jax.inference.load_model import load_model
from tests.training.conftest import Workspace


def losses(metrics: list[dict[str, Any]]) -> list[float]:
    return [line["loss"] for line in metrics if "loss" in line]


def wait_for_steps(workspace: Workspace, name: str, steps: int, process: Any) -> None:
    while len(losses(workspace.metrics(name))) < steps and process.poll() is None:
        time.sleep(0.005)


def test_a_run_leaves_its_folder(
    workspace: Workspace, undisturbed: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    run = workspace.folder / "runs" / "undisturbed"
    assert [line["step"] for line in undisturbed if "loss" in line] == list(range(1, 41))
    read = [line["epochs/tasks"] for line in undisturbed if "loss" in line]
    assert read[0] > 0 and read == sorted(read) and read[-1] == pytest.approx(40 * read[0], rel=0.05)
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
    assert workspace.train("undisturbed") == undisturbed
    printed = capsys.readouterr().out
    assert "step 40 of 40" in printed and "finished" in printed and "undisturbed/loss.png" in printed


def kill_and_resume(workspace: Workspace, name: str, kills: int, seed: int) -> None:
    """Kill a run `kills` times at random moments, then let it finish."""
    chance = random.Random(seed)
    for _ in range(kills):
        process = workspace.start("train", "--config=small.py:small", "--name", name)
        wait_for_steps(workspace, name, chance.randrange(1, 36), process)
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.communicate()
    workspace.train_elsewhere(name)


@pytest.mark.long
def test_kill_9_at_random_moments_changes_no_bit_of_the_metrics(
    workspace: Workspace, undisturbed: list[dict[str, Any]]
) -> None:
    kill_and_resume(workspace, "killed", kills=2, seed=0)
    assert workspace.metrics("killed") == undisturbed
    assert any(event["event"] == "resumed" for event in workspace.events("killed"))


@pytest.mark.long
def test_kill_9_twenty_times_changes_no_bit_of_the_metrics(
    workspace: Workspace, undisturbed: list[dict[str, Any]]
) -> None:
    for seed in range(1, 6):
        kill_and_resume(workspace, f"killed{seed}", kills=4, seed=seed)
        assert workspace.metrics(f"killed{seed}") == undisturbed


@pytest.mark.long
def test_ctrl_c_saves_and_the_same_command_goes_on(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    process = workspace.start("train", "--config=small.py:small", "--name", "interrupted")
    wait_for_steps(workspace, "interrupted", 3, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "stopped and saved; the same command goes on" in out
    stopped = len(losses(workspace.metrics("interrupted")))
    assert 3 <= stopped < 40
    workspace.train_elsewhere("interrupted")
    assert [event["step"] for event in workspace.events("interrupted") if event["event"] == "resumed"] == [stopped]
    assert workspace.metrics("interrupted") == undisturbed


@pytest.mark.long
def test_usr1_saves_and_changes_no_bit_of_the_metrics(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    process = workspace.start("train", "--config=small.py:small", "--name", "saved", "--checkpoints.keep", "40")
    for steps in (3, 11, 19):
        wait_for_steps(workspace, "saved", steps, process)
        process.send_signal(signal.SIGUSR1)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert workspace.metrics("saved") == undisturbed
    saved = {int(path.name) for path in (workspace.folder / "runs" / "saved" / "checkpoints").iterdir()}
    assert len(saved - {8, 16, 24, 32, 40}) >= 2


@pytest.mark.long
def test_two_processes_refuse_with_the_same_message(workspace: Workspace) -> None:
    refused = workspace.train_together(2, "--name", "nowhere", "--start.checkpoint", "runs/nobody")
    assert refused.returncode == 2
    for number in range(2):
        assert f"{number}: tanuki_jax.train: there is no checkpoint at runs/nobody: no such folder\n" in refused.stdout


def assert_follows(workspace: Workspace, name: str, single: list[dict[str, Any]], *words: str) -> None:
    """Train 20 steps in two processes of four devices; their losses must be those of a run in one process."""
    finished = workspace.train_together(2, "--name", name, "--steps", "20", "--schedule.end-step", "40", *words)
    assert finished.returncode == 0, finished.stdout
    together = workspace.metrics(name)
    for measure in ("loss", "gradient_norm"):
        first, expected = (next(line[measure] for line in lines if measure in line) for lines in (together, single))
        np.testing.assert_allclose(first, expected, rtol=1e-5)
    np.testing.assert_allclose(losses(together), losses(single)[:20], rtol=1e-4)
    assert {event["event"]: event for event in workspace.events(name)}["config"]["processes"] == 2


@pytest.mark.parametrize(
    "layout",
    [
        "data 4 fsdp 2 zero 1",
        *(
            pytest.param(layout, marks=pytest.mark.long)
            for layout in (
                "stage 2 microbatches 2 fsdp 2",
                "stage 2 microbatches 4 context 4",
                "context 8",
                "context 4 tensor 2",
                "data 2 fsdp 2 tensor 2",
                "fsdp 2 context 4",
            )
        ),
    ],
)
@pytest.mark.thorough
def test_two_processes_of_four_devices_follow_one_process(
    workspace: Workspace, undisturbed: list[dict[str, Any]], layout: str
) -> None:
    """The first axis of the mesh spans both processes."""
    words = layout.split()
    options = [word for axis, size in zip(words[::2], words[1::2], strict=True) for word in (f"--layout.{axis}", size)]
    assert_follows(workspace, layout.replace(" ", "_"), undisturbed, *options)


@pytest.mark.long
def test_experts_may_be_in_other_processes(workspace: Workspace) -> None:
    single = workspace.train_elsewhere(
        "experts_single", "--model.experts", "4", "--steps", "20", "--schedule.end-step", "40"
    )
    assert_follows(workspace, "experts", single, "--model.experts", "4", "--layout.fsdp", "2", "--layout.expert", "4")


@pytest.mark.long
def test_ctrl_c_stops_two_processes_at_the_same_step(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    words = ("--name", "interrupted_together", "--layout.fsdp", "8")
    process = workspace.start_together(2, *words)
    wait_for_steps(workspace, "interrupted_together", 3, process)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    assert "stopped and saved; the same command goes on" in out
    assert 3 <= len(losses(workspace.metrics("interrupted_together"))) < 40
    assert workspace.train_together(2, *words).returncode == 0
    np.testing.assert_allclose(losses(workspace.metrics("interrupted_together")), losses(undisturbed), rtol=1e-4)


@pytest.mark.long
def test_a_run_goes_on_with_another_layout(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    shutil.copytree(workspace.folder / "runs" / "undisturbed", workspace.folder / "runs" / "moved")
    for step in (32, 40):
        shutil.rmtree(workspace.folder / "runs" / "moved" / "checkpoints" / f"{step:08d}")
    moved = workspace.train("moved", "--layout.fsdp", "2", "--layout.tensor", "2", "--layout.accumulation", "2")
    assert [line["step"] for line in moved if "loss" in line] == list(range(1, 41))
    np.testing.assert_allclose(losses(moved), losses(undisturbed), rtol=1e-4)


@pytest.mark.thorough
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(
    workspace: Workspace, undisturbed: list[dict[str, Any]]
) -> None:
    run = workspace.folder / "runs" / "damaged"
    shutil.copytree(workspace.folder / "runs" / "undisturbed", run)
    victim = max(
        (run / "checkpoints" / "00000040" / "base").rglob("*"),
        key=lambda path: path.stat().st_size if path.is_file() else 0,
    )
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0x10
    victim.write_bytes(content)
    assert workspace.train("damaged") == undisturbed
    events = {event["event"]: event for event in workspace.events("damaged")}
    assert events["checkpoint_damaged"]["reason"].endswith("has another checksum than when it was saved")
    assert events["resumed"]["step"] == 32


@pytest.mark.thorough
def test_a_stage_starts_from_the_weights_of_another_run(
    workspace: Workspace, undisturbed: list[dict[str, Any]]
) -> None:
    words = ("--start.checkpoint", "runs/undisturbed", "--steps", "2", "--model.rope-theta", "20000")
    first, last = ([line["epochs/tasks"] for line in undisturbed if "loss" in line][step] for step in (0, -1))
    for load, data, read in (("parameters", "anew", 0), ("parameters_and_optimizer", "continue", last)):
        stage = workspace.train(f"stage_{load}", *words, "--start.load", load, "--start.data", data)
        assert stage[0]["held_out/all"] < 0.8 * undisturbed[0]["held_out/all"]
        assert stage[1]["learning_rate"] == undisturbed[1]["learning_rate"]
        assert stage[1]["epochs/tasks"] == pytest.approx(read + first, rel=0.02)


def test_a_checkpoint_generates_from_any_folder(
    workspace: Workspace, undisturbed: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = load_tokenizer(workspace.folder / "tokenizer")
    monkeypatch.chdir(tmp_path)
    loaded = load_model(find(str(workspace.folder / "runs" / "undisturbed")))
    assert loaded.tokenizer.fingerprint == tokenizer.fingerprint


@pytest.mark.long
def test_a_profile_is_written(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    workspace.train("profiled", "--steps", "6", "--profile", "2")
    assert list((workspace.folder / "runs" / "profiled" / "profile").rglob("*.xplane.pb"))


def test_an_error_is_one_line_on_stderr(workspace: Workspace) -> None:
    refused = workspace.run("train", "--config=small.py:small", "--layout.fsdp", "3")
    assert (refused.returncode, refused.stdout) == (2, "")
    layout = "the layout (data -1, fsdp 3) does not fit 8 devices: the sizes of its axes, multiplied, must be 8,"
    assert refused.stderr == f"tanuki_jax.train: {layout} where one axis may be -1 and takes the rest\n"


@pytest.mark.long
def test_an_adapter_is_trained_further_and_resumed(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    settings = (
        *("--lora.rank", "2", "--lora.base", "float32", "--lora.projections", "q", "embedding", "output"),
        *("--checkpoints.every-steps", "2", "--schedule.end-step", "4", "--schedule.peak", "0.001"),
        *("--schedule.warmup-steps", "1"),
    )
    first = workspace.train("first", "--start.checkpoint", "runs/undisturbed", "--steps", "4", *settings)
    further = (*settings, "--start.checkpoint", "runs/first", "--start.load", "adapter")
    at_once = workspace.train("at_once", "--steps", "4", *further)
    before, after = ([line["held_out/all"] for line in lines if "held_out/all" in line] for lines in (first, at_once))
    assert before[-1] < before[0] and after[-1] < after[0] == pytest.approx(before[-1], rel=1e-5)
    workspace.train("twice", "--steps", "2", *further)
    assert losses(workspace.train("twice", "--steps", "4", *further)) == losses(at_once)
    started = next(event for event in workspace.events("twice") if event["event"] == "started")
    assert started["adapter"] == "default" and "undisturbed" in started["base"] and started["changed"] == {}


@pytest.mark.parametrize(("b2", "coarse"), [("0.95", False), ("0.99", True)])
def test_second_moments_that_bfloat16_rounds_away_are_said(
    workspace: Workspace, caplog: pytest.LogCaptureFixture, b2: str, coarse: bool
) -> None:
    words = ("--layout.parameter-dtype", "bfloat16", "--optimizer.b2", b2, "--start.checkpoint", "runs/nobody")
    with caplog.at_level("WARNING"), pytest.raises(InputError, match="there is no checkpoint at runs/nobody"):
        workspace.train("coarse", *words)
    said = [message for message in caplog.messages if "second moments in bfloat16" in message]
    assert len(said) == coarse
    if coarse:
        assert (
            said[0].endswith("take float32, or optimizer.b2 of at most 0.95") and "rounds optimizer.b2 0.99" in said[0]
        )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("x", "--data.batch-rows", "12", "--held-out.rows", "12"), "is not divided by the 8 devices"),
        (("x", "--data.stores", "nowhere"), "nowhere has no store of tasks, files"),
        (
            ("x", "--model.vocabulary", "768", "--data.tokenizer.pieces", "600"),
            "the tokenizer has 900 pieces, more than model.vocabulary 768; set that to at least as many, and let "
            "`convert add-tokens` grow the checkpoint that the run starts from",
        ),
        (("x", "--start.checkpoint", "runs/nobody"), "there is no checkpoint at runs/nobody"),
        (
            ("x", "--start.checkpoint", "runs/undisturbed", "--model.layers", "3"),
            "is of another model: its layers is 2",
        ),
        (("undisturbed", "--steps", "5"), "more than steps (5); name at least as many, or another run with --name"),
        (("undisturbed", "--model.hidden", "96", "--steps", "50"), "is of another model: its hidden is 64"),
        (
            ("undisturbed", "--data.sequence-length", "32", "--steps", "50"),
            "was saved (data.sequence_length is 32 and was 64); undo that, or read on in a new run where this one "
            "stopped, by the same command with --name=undisturbed_2 --start.checkpoint=runs/undisturbed "
            "--start.data=continue; only data.batch_rows, and stages of the mixture that have not begun, may change",
        ),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing(
    workspace: Workspace, undisturbed: list[dict[str, Any]], words: tuple[str, ...], sentence: str
) -> None:
    before = sorted((workspace.folder / "runs").iterdir())
    with pytest.raises(InputError, match=re.escape(sentence)):
        workspace.train(*words)
    assert sorted((workspace.folder / "runs").iterdir()) == before


def test_changed_documents_refuse_resume(workspace: Workspace, undisturbed: list[dict[str, Any]]) -> None:
    stores = workspace.folder / "stores"
    kept = Path(shutil.copytree(stores, workspace.folder / "kept"))
    document = workspace.folder / "0.txt"
    before = document.read_text()
    try:
        document.write_text(before + "\nchanged = True\n")
        shutil.rmtree(stores / "files")
        assert workspace.run("prepare", "--config=small.py:small", "--workers", "1").returncode == 0
        with pytest.raises(InputError, match="the data changed since"):
            workspace.train("undisturbed", "--steps", "50")
    finally:
        shutil.rmtree(stores)
        kept.rename(stores)
        document.write_text(before)
