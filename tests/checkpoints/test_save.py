"""Checkpoints written by Orbax: restored on another mesh, read by layer, kept and dropped."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.checkpoints.folder import State, newest_good, steps
from tanuki_jax.checkpoints.restore import Parameters, restore
from tanuki_jax.checkpoints.save import Writer
from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.model import Model
from tanuki_jax.errors import InputError
from tanuki_jax.parallel.mesh import make_mesh

MODEL = Model(vocabulary=8, width=4, hidden=4, layers=1, heads=1, kv_heads=1)


def state(step: int) -> State:
    return State(step=step, tokens=0, skipped=(), model=MODEL, tokenizer="", sequence_length=16, data="", files={})


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
    writer = Writer(folder, keep)
    for step in range(1, count + 1):
        writer.save(arrays, {"count": jnp.asarray(step)}, state(step))
    writer.wait()
    return arrays


def test_a_checkpoint_is_restored_on_another_mesh_bit_for_bit(tmp_path: Path) -> None:
    arrays = saved(tmp_path, 1, 1)
    checkpoint, _ = newest_good(tmp_path)
    assert checkpoint is not None
    elsewhere = NamedSharding(make_mesh(Layout(fsdp=2, tensor=4)), P(None, "tensor", "fsdp"))
    wanted = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=elsewhere if x.ndim > 1 else x.sharding), arrays)
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


def test_a_path_is_taken_as_it_is_spelled(tmp_path: Path) -> None:
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


def test_a_save_that_fails_is_raised_by_the_next_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr("tanuki_jax.checkpoints.save.finish", broken)
    writer = Writer(tmp_path, 1)
    writer.save(tree(make_mesh(Layout())), {"count": jnp.asarray(1)}, state(1))
    with pytest.raises(OSError, match="gone"):
        writer.wait()
    assert newest_good(tmp_path) == (None, {})


def test_what_a_killed_run_left_unfinished_is_removed_by_the_next(tmp_path: Path) -> None:
    saved(tmp_path, 2, 1)
    for name in ("00000002", "00000003.orbax-checkpoint-tmp"):
        (tmp_path / name / "base").mkdir(parents=True)
    Writer(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["00000001"]


def test_a_disk_without_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    huge = np.broadcast_to(np.float32(0), (1 << 50,))  # takes four bytes of memory
    with pytest.raises(InputError, match=r"the disk is full: the checkpoint .*00000007 takes up to 4194304\.00 GiB"):
        Writer(tmp_path, 1).save({"norm": huge}, {}, state(7))
    assert list(tmp_path.iterdir()) == []
