"""The sharding table and the placing of batches."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Data, Layout, Tokenizer
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.weights import Weight, shapes
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import check_batch, local_rows, make_gather, place_batch, shardings, stored_spec

MODEL = Model(vocabulary=64, width=32, hidden=48, layers=3, heads=4, kv_heads=4)
MOE = dataclasses.replace(MODEL, experts=4)


def test_every_matrix_is_split_over_fsdp_and_tensor_and_no_layer_is() -> None:
    mesh = make_mesh(Layout(fsdp=4, tensor=2))
    tree = shapes(MODEL)
    placed = shardings(mesh, MODEL, tree)

    def pieces(leaf: jax.ShapeDtypeStruct, place: jax.sharding.NamedSharding) -> int:
        return leaf.size // int(np.prod(place.shard_shape(leaf.shape)))

    split = jax.tree_util.tree_map_with_path(
        lambda path, n: n if "norm" not in path[-1].key else 8 * n, jax.tree.map(pieces, tree, placed)
    )
    assert set(jax.tree.leaves(split)) == {8}
    assert placed["blocks"]["q"].shard_shape((3, 32, 4, 8)) == (3, 8, 2, 8)


def test_experts_are_split_over_their_axis_and_all_else_over_it_and_fsdp() -> None:
    mesh = make_mesh(Layout(fsdp=2, expert=2, tensor=2))
    placed = shardings(mesh, MOE, shapes(MOE))["blocks"]
    held = {
        name: place.shard_shape(shapes(MOE)["blocks"][name].shape)
        for name, place in placed.items()
        if "norm" not in name
    }
    assert held == {
        "q": (3, 8, 2, 8),
        "k": (3, 8, 2, 8),
        "v": (3, 8, 2, 8),
        "o": (3, 2, 8, 8),
        "router": (3, 32, 4),
        "expert_gate": (3, 2, 16, 24),
        "expert_up": (3, 2, 16, 24),
        "expert_down": (3, 2, 24, 16),
    }


def test_stages_hold_their_own_layers() -> None:
    model = dataclasses.replace(MODEL, layers=8)
    placed = shardings(make_mesh(Layout(stage=4, tensor=2)), model, shapes(model))
    assert placed["blocks"]["q"].shard_shape((8, 32, 4, 8)) == (2, 32, 2, 8)
    assert placed["blocks"]["mlp_norm"].shard_shape((8, 32)) == (2, 32)
    assert placed["embedding"].shard_shape((64, 32)) == (32, 32)


@pytest.mark.parametrize(
    ("layout", "shape"), [(Layout(fsdp=2, expert=2, tensor=2), (3, 2, 32, 24)), (Layout(fsdp=8), (3, 4, 32, 48))]
)
def test_with_zero_1_a_device_gathers_all_but_experts_and_tensor_slices(layout: Layout, shape: tuple[int, ...]) -> None:
    mesh, parameters = make_mesh(layout), shapes(MOE)
    one = dataclasses.replace(layout, zero=1)
    stored = jax.tree.map(
        lambda leaf, place: jax.device_put(jnp.zeros(leaf.shape), place), parameters, shardings(mesh, MOE, parameters)
    )
    used = jax.jit(make_gather(mesh, MOE, one))(stored)
    gate = used["blocks"]["expert_gate"]
    assert (gate.dtype, gate.sharding.shard_shape(gate.shape)) == (jnp.bfloat16, shape)
    assert used["blocks"]["q"].sharding.shard_shape((3, 32, 4, 8)) == (3, 32, 4 // layout.tensor, 8)
    assert used["blocks"]["router"].dtype == used["norm"].dtype == jnp.float32
    assert make_gather(mesh, MOE, layout)(stored) is stored


def test_moments_lie_where_their_parameters_lie() -> None:
    mesh = make_mesh(Layout(fsdp=8))
    tree = shapes(MODEL)
    placed = shardings(
        mesh, MODEL, {"parameters": tree, "optimizer": ({"mu": tree}, jax.ShapeDtypeStruct((), "int32"))}
    )
    assert placed["optimizer"][0]["mu"] == placed["parameters"]
    assert placed["optimizer"][1].is_fully_replicated


def test_a_dim_that_the_mesh_does_not_divide_is_named() -> None:
    with pytest.raises(
        InputError, match=r"tensor of size 8 does not divide dim 2 of the parameter blocks.k, whose shape is 3x64x4x8"
    ):
        wide = dataclasses.replace(MODEL, heads=8, width=64)
        shardings(make_mesh(Layout(tensor=8)), wide, shapes(wide))
    narrow = dataclasses.replace(MOE, width=20, heads=2, kv_heads=2)
    with pytest.raises(
        InputError,
        match=r"^mesh axis fsdp x expert of size 8 does not divide dim 1 of the parameter blocks.k, "
        r"whose shape is 3x20x2x10$",
    ):
        shardings(make_mesh(Layout(fsdp=2, expert=4)), narrow, {"blocks": shapes(narrow)["blocks"]})
    with pytest.raises(
        InputError,
        match=r"^mesh axis expert of size 8 does not divide dim 1 of the parameter blocks.expert_down, "
        r"whose shape is 3x4x48x32$",
    ):
        shardings(make_mesh(Layout(expert=8)), MOE, shapes(MOE))


def test_a_parameter_without_a_row_and_a_dim_without_a_rule_are_named() -> None:
    mesh, tree = make_mesh(Layout()), shapes(MODEL)
    extra = {**tree["blocks"], "router_b": tree["blocks"]["q"]}
    with pytest.raises(KeyError, match=r"blocks\.router_b has no row in the table of weights"):
        shardings(mesh, MODEL, {"parameters": {**tree, "blocks": extra}})
    with pytest.raises(KeyError, match="bias has no row"):
        shardings(mesh, MODEL, {**tree, "bias": tree["norm"]})
    with pytest.raises(KeyError, match="the dim 'z' of a weight 'l z' has no mesh axes"):
        stored_spec(Weight(dims="l z", shape=(3, 4)))


def test_a_batch_that_the_mesh_does_not_divide_is_named() -> None:

    def check(layout: Layout, rows: int, time: int = 100) -> None:
        data = Data(mixture="", tokenizer=Tokenizer(path=""), stores="", sequence_length=time, batch_rows=rows)
        check_batch(make_mesh(layout), layout, data)

    check(Layout(data=2, fsdp=4, accumulation=2), 32)
    with pytest.raises(
        InputError, match=r"micro-batch of 12 rows \(data.batch_rows 24 / layout.accumulation 2\).*8 devices"
    ):
        check(Layout(data=2, fsdp=4, accumulation=2), 24)
    with pytest.raises(
        InputError, match=r"micro-batch of 12 rows .* is not divided by the 8 devices of data x fsdp x expert$"
    ):
        check(Layout(fsdp=2, expert=4), 12)
    check(Layout(fsdp=4, stage=2, microbatches=4), 16)
    with pytest.raises(
        InputError,
        match=r"micro-batch of 2 rows \(data.batch_rows 16 / layout.accumulation 2 / layout.microbatches 4\)",
    ):
        check(Layout(fsdp=4, stage=2, microbatches=4, accumulation=2), 16)
    with pytest.raises(InputError, match=r"sequence_length 100 is not divided by layout.tensor 8"):
        check(Layout(tensor=8), 8)
    check(Layout(context=2, tensor=4), 8, time=32)
    with pytest.raises(
        InputError, match=r"sequence_length 24 is not divided by 2 x layout.context 2 x layout.tensor 4"
    ):
        check(Layout(context=2, tensor=4), 8, time=24)


@pytest.mark.parametrize("time", [15, 16])
@pytest.mark.parametrize(
    "layout", [Layout(), Layout(data=2, fsdp=2, tensor=2), Layout(fsdp=4, tensor=2), Layout(fsdp=2, expert=4)]
)
def test_a_placed_batch_has_every_row_in_its_place(layout: Layout, time: int) -> None:
    mesh = make_mesh(layout)
    shape = (3, 8, time)
    rows = local_rows(mesh, shape)
    assert rows == list(range(24))
    local = np.arange(24 * time, dtype=np.int32).reshape(24, time)
    placed = place_batch(mesh, {"tokens": local}, rows, shape)["tokens"]
    np.testing.assert_array_equal(placed, local.reshape(shape))
    assert placed.sharding.shard_shape(shape)[1] == 8 // (
        mesh.shape["data"] * mesh.shape["fsdp"] * mesh.shape["expert"]
    )


def test_rows_are_split_over_stages_and_places_lie_in_the_order_of_context() -> None:
    layout, shape = Layout(stage=2, context=4), (1, 8, 16)
    mesh = make_mesh(layout)
    local = np.arange(8 * 16, dtype=np.int32).reshape(8, 16)
    placed = place_batch(mesh, local, local_rows(mesh, shape), shape)
    assert placed.sharding.shard_shape(shape) == (1, 4, 4)
    np.testing.assert_array_equal(placed[0, 3, :8], 48 + np.array([0, 1, 14, 15, 2, 3, 12, 13]))
