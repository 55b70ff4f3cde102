"""Checkpoints written by Orbax: restored on another mesh, read by layer, kept and removed."""

import errno
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from orbax.checkpoint import AsyncCheckpointer

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State, damage, newest_good, read_state, step_folder, steps, unfinished
from tanuki_jax.checkpoints.restore import Parameters, restore
from tanuki_jax.checkpoints.save import Writer
from tanuki_jax.checkpoints.sums import sums
from tanuki_jax.config.experiment import Checkpoints, Layout
from tanuki_jax.config.model import Model
from tanuki_jax.data.tokenizer.copy_tokenizer import fingerprint
from tanuki_jax.lm.parallel.mesh import make_mesh
from tests.faults.preload import compiled
from tests.training.pair import pair

MODEL = Model(vocabulary=8, width=4, hidden=4, layers=1, heads=1, kv_heads=1, experts=2)


def state(step: int) -> State:
    return State(step=step, tokens=0, skipped=(), model=MODEL, tokenizer="", sequence_length=16, data="", files={})


def no_event(kind: str, **details: Any) -> None:
    raise AssertionError(f"{kind}: {details}")


def tree(mesh: jax.sharding.Mesh) -> dict[str, Any]:
    q = jnp.arange(3 * 8 * 4, dtype=jnp.float32).reshape(3, 8, 4)
    gate = jnp.arange(2 * 8 * 4 * 4, dtype=jnp.float32).reshape(2, 8, 4, 4)
    blocks = {
        "q": jax.device_put(q, NamedSharding(mesh, P(None, "fsdp"))),
        "expert_gate": jax.device_put(gate, NamedSharding(mesh, P(None, "expert", "fsdp"))),
    }
    return {"blocks": blocks, "norm": jnp.ones(8, jnp.bfloat16)}


def saved(folder: Path, keep: int, count: int) -> dict[str, Any]:
    arrays = tree(make_mesh(Layout(fsdp=2, expert=4)))
    writer = Writer(folder, Checkpoints(every_steps=1, keep=keep), no_event)
    for step in range(1, count + 1):
        writer.save({"base": arrays, "optimizer": {"accepted": jnp.asarray(step)}}, state(step))
    writer.wait()
    return arrays


def test_a_checkpoint_is_restored_on_another_mesh_bit_for_bit(tmp_path: Path) -> None:
    arrays = saved(tmp_path, 1, 1)
    checkpoint, _ = newest_good(tmp_path)
    assert checkpoint is not None
    elsewhere = NamedSharding(make_mesh(Layout(fsdp=2, tensor=4)), P(None, "tensor", "fsdp"))
    wanted = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=elsewhere if x.ndim > 1 else x.sharding), arrays
    )
    base = restore(checkpoint, base=wanted)["base"]
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(arrays), jax.device_get(base))
    assert base["blocks"]["q"].sharding == elsewhere


def test_one_layer_can_be_read_without_the_others(tmp_path: Path) -> None:
    arrays = saved(tmp_path, 1, 1)
    checkpoint, _ = newest_good(tmp_path)
    assert checkpoint is not None
    parameters = Parameters(checkpoint)
    np.testing.assert_array_equal(parameters.read("blocks.q", 2), arrays["blocks"]["q"][2])
    np.testing.assert_array_equal(parameters.read("blocks.expert_gate", 1, 5), arrays["blocks"]["expert_gate"][1, 5])
    np.testing.assert_array_equal(parameters.read("norm"), arrays["norm"])


def test_special_characters_of_a_path_are_not_decoded(tmp_path: Path) -> None:
    folder = tmp_path / "a%20b" / "c d"
    arrays = saved(folder, 1, 1)
    checkpoint, _ = newest_good(folder)
    assert checkpoint is not None
    np.testing.assert_array_equal(Parameters(checkpoint).read("norm"), arrays["norm"])
    np.testing.assert_array_equal(restore(checkpoint, base=arrays)["base"]["norm"], arrays["norm"])


def test_only_the_newest_stay(tmp_path: Path) -> None:
    saved(tmp_path, 2, 4)
    assert steps(tmp_path) == [3, 4]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000003", "00000004"]


def test_sums_are_in_the_state_and_outdated_checkpoints_are_removed(tmp_path: Path) -> None:
    settings = Checkpoints(every_steps=1, keep=1, keep_every_steps=4)
    writer = Writer(tmp_path, settings, no_event, best_metric="loss", protect=lambda state, finished: finished[1:2])
    for step, loss in ((1, 1.0), (2, 3.0), (4, 2.0), (5, 2.5), (6, 2.4)):
        writer.save(
            {"base": {"norm": jnp.arange(4.0)}, "optimizer": {"accepted": jnp.asarray(step)}},
            replace(state(step), held_out={"loss": loss}),
        )
    writer.wait()
    assert steps(tmp_path) == [1, 2, 4, 6]
    assert read_state(step_folder(tmp_path, 6)).sums == sums(
        {"base": {"norm": jnp.arange(4.0)}, "optimizer": {"accepted": jnp.asarray(6)}}
    )


def test_checkpoints_hold_the_tokenizer_as_it_was_at_the_start(tokenizer: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(tokenizer, tmp_path / "source"))
    checkpoints = tmp_path / "checkpoints"
    writer = Writer(checkpoints, Checkpoints(every_steps=1), no_event, tokenizer=source)
    shutil.rmtree(source)
    for step in (1, 2):
        writer.save({"base": {"norm": jnp.ones(8)}, "optimizer": {"count": jnp.asarray(step)}}, state(step), wait=True)
        checkpoint = step_folder(checkpoints, step)
        saved = read_state(checkpoint)
        assert damage(checkpoint) == "" and saved.tokenizer == "tokenizer"
        assert fingerprint(checkpoint / "tokenizer") == saved.tokenizer_fingerprint == fingerprint(tokenizer)
        assert {name for name in saved.files if name.startswith("tokenizer/")} == {
            f"tokenizer/{path.name}" for path in tokenizer.iterdir()
        }
    (step_folder(checkpoints, 2) / "tokenizer" / "tokenizer.model").write_bytes(b"")
    assert newest_good(checkpoints)[0] == step_folder(checkpoints, 1)


class Events:
    """Events that the writer logs."""

    def __init__(self) -> None:
        self.logged: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, kind: str, **details: Any) -> None:
        self.logged.append((kind, details))


@pytest.fixture
def blocked(tmp_path: Path) -> Path:
    """Return a folder with the checkpoint of step 1, and a file where that of step 2 should be."""
    writer = Writer(tmp_path, Checkpoints(every_steps=1), no_event)
    writer.save({"base": {"norm": jnp.ones(8)}, "optimizer": {"accepted": jnp.asarray(1)}}, state(1), wait=True)
    step_folder(tmp_path, 2).touch()
    return tmp_path


def test_a_failed_save_is_logged_and_the_next_one_tries_again(blocked: Path, caplog: pytest.LogCaptureFixture) -> None:
    events = Events()
    writer = Writer(blocked, Checkpoints(every_steps=1, retries=1), events)
    arrays = {"base": {"norm": jnp.ones(8)}, "optimizer": {"accepted": jnp.asarray(2)}}
    writer.save(arrays, state(2))
    (event,) = events.logged
    file = step_folder(blocked, 2)
    assert event == ("save_failed", {"checkpoint": str(file), "reason": f"Not a directory: {file}", "failures": 1})
    assert [record.getMessage() for record in caplog.records] == [
        f"the checkpoint {file} was not saved: {event[1]['reason']} (failure 1 in a row; checkpoints.retries is 1)"
    ]
    writer.save(arrays, state(3))
    writer.wait()
    assert steps(blocked) == [1, 3]
    writer.save(arrays, state(2))  # the first in a row again
    with pytest.raises(
        RuntimeError,
        match=r"2 saves failed in a row \(checkpoints.retries is 1\); the checkpoint .*00000002 was not saved",
    ):
        writer.save(arrays, state(2))
    assert [details["failures"] for _, details in events.logged] == [1, 1, 2]
    assert newest_good(blocked) == (step_folder(blocked, 3), {})


def test_a_blocking_save_is_tried_again_at_once(blocked: Path) -> None:
    def unblock(kind: str, **details: Any) -> None:
        if details["failures"] == 2:
            step_folder(blocked, 2).unlink()

    arrays = {"base": {"norm": jnp.ones(8)}, "optimizer": {"accepted": jnp.asarray(2)}}
    Writer(blocked, Checkpoints(every_steps=1, retries=2), unblock).save(arrays, state(2), wait=True)
    assert newest_good(blocked) == (step_folder(blocked, 2), {})
    more_events = Events()
    step_folder(blocked, 5).touch()
    with pytest.raises(RuntimeError, match="3 saves failed in a row"):
        Writer(blocked, Checkpoints(every_steps=1, retries=2), more_events).save(arrays, state(5), wait=True)
    assert len(more_events.logged) == 3


def test_arrays_on_the_disk_must_be_those_on_the_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = AsyncCheckpointer.wait_until_finished

    def flips_a_bit(self: AsyncCheckpointer) -> None:
        real(self)
        for path in tmp_path.glob("00000002/base/ocdbt.process_0/d/*"):
            content = bytearray(path.read_bytes())
            position = content.find(b"tanuki")
            if position >= 0:
                content[position] ^= 1
                path.write_bytes(content)

    noise = np.random.default_rng(0).integers(
        0, 256, 4096, dtype=np.uint8
    )  # is not made smaller, so that its bytes are in the file
    noise[2000:2006] = np.frombuffer(b"tanuki", np.uint8)
    events = Events()
    writer = Writer(tmp_path, Checkpoints(every_steps=1), events)
    writer.save({"base": {"norm": jnp.asarray(noise)}, "optimizer": {"accepted": jnp.asarray(1)}}, state(1), wait=True)
    monkeypatch.setattr(AsyncCheckpointer, "wait_until_finished", flips_a_bit)
    writer.save({"base": {"norm": jnp.asarray(noise)}, "optimizer": {"accepted": jnp.asarray(2)}}, state(2))
    writer.wait()
    assert [details["reason"] for _, details in events.logged] == [
        "base.norm on the disk is not what is on the devices"
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["00000001"]


def test_unfinished_checkpoints_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    saved(tmp_path, 2, 1)
    for name in ("00000002", "00000003.orbax-checkpoint-tmp", "00000004.damaged", "notes"):
        (tmp_path / name / "base").mkdir(parents=True)
    events = Events()
    Writer(tmp_path, Checkpoints(every_steps=1), events)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001", "00000004.damaged", "notes"]
    removed = [str(tmp_path / name) for name in ("00000002", "00000003.orbax-checkpoint-tmp")]
    assert events.logged == [("removed_unfinished", {"checkpoint": path}) for path in removed]


def test_a_full_disk_is_reported_before_anything_is_written(tmp_path: Path) -> None:
    huge = np.broadcast_to(np.float32(0), (1 << 50,))  # takes four bytes of memory
    room = r"the disk is full: the checkpoint .*00000007 was not saved: No space left on device: up to 4194304\.00 GiB "
    with pytest.raises(InputError, match=room):
        Writer(tmp_path, Checkpoints(every_steps=1), Events()).save({"base": {"norm": huge}, "optimizer": {}}, state(7))
    assert list(tmp_path.iterdir()) == []


def save_forever(folder: Path) -> None:
    writer = Writer(folder, Checkpoints(every_steps=1, keep=2), print)
    arrays = {"base": {"norm": jnp.arange(100_000.0)}, "optimizer": {"accepted": jnp.asarray(0)}}
    for step in range(1, 10_000):
        writer.save(arrays, state(step))


def save_with_small_files(folder: Path) -> None:
    """Save three checkpoints; while the second is saved no file may have more than 10,000 bytes."""
    events = Events()
    writer = Writer(folder, Checkpoints(every_steps=1), events)
    arrays = {
        "base": {"norm": jax.random.normal(jax.random.key(0), (100_000,))},
        "optimizer": {"accepted": jnp.asarray(0)},
    }
    writer.save(arrays, state(1), wait=True)
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, most))
    writer.save(arrays, state(2))
    writer.wait()
    resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
    writer.save(arrays, state(3), wait=True)
    (folder / "events.json").write_text(json.dumps(events.logged))


@pytest.fixture(scope="module")
def servers() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.checkpoints.test_save"])
    return context


def test_a_process_killed_in_a_save_leaves_complete_checkpoints(tmp_path: Path, servers: ForkServerContext) -> None:
    chance = random.Random(0)
    for number in range(3):
        folder = tmp_path / str(number)
        process = servers.Process(target=save_forever, args=(folder,))
        process.start()
        while not steps(folder) and process.is_alive():
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.2))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        good, passed_over = newest_good(folder)
        assert good is not None and not passed_over
        assert restore(good, optimizer={"accepted": jnp.asarray(1)})["optimizer"]["accepted"] == 0
        Writer(folder, Checkpoints(every_steps=1), Events())
        assert unfinished(folder) == [] and step_folder(folder, steps(folder)[-1]) == good


def test_a_write_that_the_system_refuses_costs_one_checkpoint(tmp_path: Path, servers: ForkServerContext) -> None:
    process = servers.Process(target=save_with_small_files, args=(tmp_path,))
    process.start()
    process.join()
    ((kind, details),) = json.loads((tmp_path / "events.json").read_text())
    path = str(step_folder(tmp_path, 2))
    assert (kind, details) == ("save_failed", {"checkpoint": path, "reason": "File too large", "failures": 1})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001", "00000003", "events.json"]
    assert newest_good(tmp_path) == (step_folder(tmp_path, 3), {})


FULL = """
import sys
from pathlib import Path
from tanuki_jax.base.command import enter
def main(words):
    import jax.numpy as jnp
    from tests.checkpoints.test_save import Checkpoints, Events, Writer, state
    writer = Writer(Path(sys.argv[1]), Checkpoints(every_steps=1), Events())
    for step in (1, 2):
        arrays = {"base": {"norm": jnp.arange(1000.0)}, "optimizer": {"accepted": jnp.asarray(0)}}
        writer.save(arrays, state(step), wait=True)
enter("save", main)
"""


@pytest.mark.long
def test_a_full_disk_ends_the_run_with_the_checkpoint_before_intact(tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints"
    full = compiled(tmp_path).environment("00000002", on="writes", number=errno.ENOSPC)
    words = [sys.executable, "-c", FULL, str(checkpoints)]
    ended = subprocess.run(words, env=os.environ | full, capture_output=True, text=True, check=False)
    said = f"the checkpoint {checkpoints / '00000002'} was not saved: No space left on device"
    assert (
        ended.stderr.splitlines()[-1]
        == f"tanuki_jax.save: the disk is full: {said}; the checkpoints before it are complete"
    )
    assert ended.returncode == 2
    assert [path.name for path in checkpoints.iterdir()] == ["00000001"]
    assert newest_good(checkpoints) == (checkpoints / "00000001", {})


TWO = """
from pathlib import Path
from jax.sharding import NamedSharding, PartitionSpec as P
from tests.checkpoints.test_save import Checkpoints, Writer, state
mesh = jax.make_mesh((len(jax.devices()),), ("fsdp",))
def placed(value, *split):
    return jax.make_array_from_callback(value.shape, NamedSharding(mesh, P(*split)), lambda index: value[index])
norm, count = placed(np.arange(64, dtype=np.float32).reshape(16, 4), "fsdp"), placed(np.array(3, np.int32))
arrays = {"base": {"norm": norm}, "optimizer": {"accepted": count}}
writer = Writer(Path(folder), Checkpoints(every_steps=1, retries=0), lambda kind, **details: None)
for step in (1, 2, 3, 3):
    try:
        writer.save(arrays, state(step), wait=True)
        print(f"step {step}: saved", flush=True)
    except RuntimeError as error:
        print(f"step {step}: {error}", flush=True)
together()
"""


@pytest.mark.long
@pytest.mark.parametrize("victim", [0, 1])
def test_processes_agree_that_a_save_failed(victim: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two cannot write its part of the second checkpoint. Step 3 is saved twice, as after a spike."""
    checkpoints = tmp_path / "checkpoints"
    part = f"00000002.orbax-checkpoint-tmp/base.orbax-checkpoint-tmp/ocdbt.process_{victim}"
    for name, value in compiled(tmp_path).environment(part, on="writes").items():
        monkeypatch.setenv(name, value)
    reason = f"the checkpoint {checkpoints / '00000002'} was not saved: process {victim}: Input/output error"
    with pair(f"folder = {str(checkpoints)!r}{TWO}") as processes:
        for process in processes:
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
            assert [line for line in out.splitlines() if line.startswith("step ")] == [
                "step 1: saved",
                f"step 2: 1 save failed (checkpoints.retries is 0); {reason}",
                "step 3: saved",
                "step 3: saved",
            ]
    assert sorted(path.name for path in checkpoints.iterdir()) == ["00000001", "00000003"]
    good, passed_over = newest_good(checkpoints)
    assert good == checkpoints / "00000003" and not passed_over
    whole = jnp.arange(64.0).reshape(16, 4)
    assert read_state(good).sums == sums({"base": {"norm": whole}, "optimizer": {"accepted": jnp.int32(3)}})
