"""Arrays streamed from host memory are read back like those saved from devices."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
import pytest
import tensorstore

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import stream
from tanuki_jax.checkpoints.format import State, damage, find, finish
from tanuki_jax.checkpoints.restore import Parameters, restore
from tanuki_jax.checkpoints.save import Writer
from tanuki_jax.config.experiment import AdamW, Checkpoints, Layout
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.transformer import initialise
from tanuki_jax.lm.model.weights import Params, shapes
from tanuki_jax.lm.optimizers.make_optimizer import make_optimizer
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import shardings
from tests.checkpoints.weights import reader

pytestmark = pytest.mark.thorough

MODEL = Model(vocabulary=96, width=32, hidden=48, layers=3, heads=4, kv_heads=2)
STATE = State(step=0, tokens=0, skipped=(), model=MODEL, tokenizer="", sequence_length=16, data="", files={})


def values(dtype: str = "float32") -> Params:
    tree: Params = jax.tree.map(np.asarray, initialise(MODEL, jax.random.key(0), dtype))
    return tree


def assert_same_bits(found: Params, expected: Params) -> None:
    wanted = jax.tree_util.tree_leaves_with_path(expected)
    for (path, one), (expected_path, other) in zip(jax.tree_util.tree_leaves_with_path(found), wanted, strict=True):
        assert (path, one.dtype, one.shape) == (expected_path, other.dtype, other.shape)
        assert np.asarray(one).tobytes() == other.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "layout", [Layout(data=1, fsdp=8), Layout(data=2, fsdp=2, tensor=2)], ids=["fsdp 8", "2 x 2 x 2"]
)
def test_a_streamed_checkpoint_restores_on_any_mesh(dtype: str, layout: Layout, tmp_path: Path) -> None:
    stream.write(tmp_path / "checkpoint", MODEL, shapes(MODEL, dtype), reader(values(dtype)))
    mesh = make_mesh(layout)
    wanted = jax.tree.map(
        lambda leaf, place: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place),
        shapes(MODEL, dtype),
        shardings(mesh, MODEL, shapes(MODEL)),
    )
    base = restore(tmp_path / "checkpoint", base=wanted)["base"]
    assert_same_bits(base, values(dtype))
    assert base["blocks"]["q"].sharding == wanted["blocks"]["q"].sharding


def test_zeros_are_written_like_anything_else(tmp_path: Path) -> None:
    """A chunk that the format leaves out because it is all zeros would be missed when restoring."""
    zeros = jax.tree.map(np.zeros_like, values())
    stream.write(tmp_path / "checkpoint", MODEL, shapes(MODEL), reader(zeros))
    place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    wanted = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), shapes(MODEL))
    assert_same_bits(restore(tmp_path / "checkpoint", base=wanted)["base"], zeros)


def test_bfloat16_on_disk_restores_as_float32(tmp_path: Path) -> None:
    stream.write(tmp_path / "checkpoint", MODEL, shapes(MODEL, "bfloat16"), reader(values("bfloat16")))
    place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    wanted = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), shapes(MODEL, "float32")
    )
    assert_same_bits(
        restore(tmp_path / "checkpoint", base=wanted)["base"],
        jax.tree.map(lambda x: x.astype(np.float32), values("bfloat16")),
    )


def test_layers_lie_on_disk_as_a_run_saves_them(tmp_path: Path) -> None:
    stream.write(tmp_path / "streamed", MODEL, shapes(MODEL), reader(values()))
    writer = Writer(tmp_path / "run", Checkpoints(every_steps=1, keep=1), print)
    writer.save({"base": jax.tree.map(jax.numpy.asarray, values()), "optimizer": {"accepted": np.int32(0)}}, STATE)
    writer.wait()
    for name in (f"blocks.{key}" for key in values()["blocks"]):
        opened = [
            tensorstore.open(
                {
                    "driver": "zarr3",
                    "kvstore": {"driver": "ocdbt", "base": f"file://{folder}/base", "path": f"{name}/"},
                },
                open=True,
            ).result()
            for folder in (tmp_path / "streamed", tmp_path / "run" / "00000000")
        ]
        chunks = [array.chunk_layout.write_chunk.shape for array in opened]
        assert chunks == [(1, *opened[0].shape[1:])] * 2
        assert (opened[0].read().result() == opened[1].read().result()).all()


@pytest.mark.parametrize(("part_bytes", "parts"), [(4096, 3), (2500, 6)], ids=["even", "the last one smaller"])
def test_no_more_than_a_layer_or_a_part_is_asked_for(
    part_bytes: int, parts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PART_BYTES", part_bytes)
    tree = values()
    asked: dict[str, list[int]] = {}

    def read(name: str, part: stream.Part) -> npt.NDArray[Any]:
        found = reader(tree)(name, part)
        asked.setdefault(name, []).append(found.nbytes)
        return found

    stream.write(tmp_path / "checkpoint", MODEL, shapes(MODEL), read)
    assert len(asked["blocks.up"]) == MODEL.layers
    assert len(asked["embedding"]) == len(asked["output"]) == parts
    assert max(itertools.chain(asked["embedding"], asked["output"], asked["norm"])) <= part_bytes
    parameters = Parameters(tmp_path / "checkpoint")
    for name in ("embedding", "output", "norm"):
        assert (parameters.read(name) == tree[name]).all()
    assert (parameters.read("embedding", slice(30, 50)) == tree["embedding"][30:50]).all()
    assert (parameters.read("blocks.down", 2) == tree["blocks"]["down"][2]).all()


def test_the_optimizers_state_can_be_written_too(tmp_path: Path) -> None:
    """With named tuples, scalars and experts, each a chunk of its own."""
    mixture = dataclasses.replace(MODEL, experts=4)
    parameters = initialise(mixture, jax.random.key(0))
    tree = {"moments": make_optimizer(AdamW(), mixture).init(parameters), "accepted": np.int32(0)}
    leaves, structure = jax.tree.flatten(tree)
    tree = jax.tree.unflatten(
        structure, [np.full(leaf.shape, 1 + number, leaf.dtype) for number, leaf in enumerate(leaves)]
    )
    by_name = {
        jax.tree_util.keystr(path, simple=True, separator="."): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }
    asked: dict[str, int] = {}

    def read(name: str, part: stream.Part) -> npt.NDArray[Any]:
        asked[name] = asked.get(name, 0) + 1
        return np.asarray(by_name[name][part])

    wanted = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), tree)
    stream.write(tmp_path / "checkpoint", mixture, wanted, read, "optimizer")
    assert [asked[name] for name in ("accepted", "moments.0.mu.blocks.q", "moments.0.nu.blocks.expert_up")] == [
        1,
        3,
        12,
    ]
    place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    wanted = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), wanted)
    found = restore(tmp_path / "checkpoint", optimizer=wanted)["optimizer"]
    assert_same_bits(found, tree)
    assert (
        Parameters(tmp_path / "checkpoint", "optimizer").read("moments.0.mu.norm") == by_name["moments.0.mu.norm"]
    ).all()


def test_a_path_is_taken_as_it_is_spelled(tmp_path: Path) -> None:
    checkpoint = tmp_path / "a%20b" / "c d"
    stream.write(checkpoint, MODEL, shapes(MODEL), reader(values()))
    parameters = Parameters(checkpoint)
    assert (parameters.read("norm") == values()["norm"]).all()
    assert (parameters.read("blocks.q", 1) == values()["blocks"]["q"][1]).all()
    assert [path.name for path in tmp_path.iterdir()] == ["a%20b"]


def test_it_counts_once_it_is_finished(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    stream.write(checkpoint, MODEL, shapes(MODEL), reader(values()))
    with pytest.raises(InputError, match="there is no checkpoint in"):
        find(str(checkpoint))
    finish(checkpoint, STATE)
    assert find(str(checkpoint)) == checkpoint
    assert damage(checkpoint) == ""


def test_values_that_cannot_be_read_leave_no_checkpoint(tmp_path: Path) -> None:
    def read(name: str, part: stream.Part) -> npt.NDArray[Any]:
        if name == "embedding":
            raise OSError("the source is gone")
        return reader(values())(name, part)

    with pytest.raises(OSError, match="the source is gone"):
        stream.write(tmp_path / "checkpoint", MODEL, shapes(MODEL), read)
    with pytest.raises(InputError, match="there is no checkpoint in"):
        find(str(tmp_path / "checkpoint"))


def test_values_of_another_shape_are_refused(tmp_path: Path) -> None:
    wider = shapes(dataclasses.replace(MODEL, hidden=MODEL.hidden + 1))
    with pytest.raises(ValueError, match="49"):
        stream.write(tmp_path / "checkpoint", MODEL, wider, reader(values()))
