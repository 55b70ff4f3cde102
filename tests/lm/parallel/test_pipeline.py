"""The pipeline: every micro-batch meets every layer once and in order, and weights go where they work."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.experts import Routing
from tanuki_jax.lm.model.remat import keep_all, rematerialize
from tanuki_jax.lm.model.transformer import Attend, Group, LayerParams, scan_layers
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.pipeline import bubble, make_pipeline

ROWS, TIME = 24, 4
LAYOUTS = [
    Layout(stage=2, microbatches=2, remat="none"),
    Layout(stage=2, fsdp=3, microbatches=4, interleave=2),
    Layout(stage=4, microbatches=4, interleave=2),
]
MORE = [
    Layout(stage=3, microbatches=6, interleave=2),
    Layout(stage=2, microbatches=6, interleave=3),
    Layout(stage=2, microbatches=4, interleave=4),
    Layout(stage=8, microbatches=8, interleave=3),
]


def model(layers: int) -> Model:
    return Model(vocabulary=8, width=8, hidden=8, layers=layers, heads=1, kv_heads=1)


def layer(
    x_btd: jax.Array,
    segment_ids: jax.Array,
    positions: jax.Array,
    params: LayerParams,
    attend: Attend | None = None,
) -> tuple[jax.Array, Any]:
    """Not commutative, so that the order of layers shows; mixes in what must stay with its rows."""
    one_layer = params.weights
    scale = one_layer["mlp_norm"]
    routing = Routing(*(jnp.mean(segment_ids.astype(jnp.float32)) * scale[:2] for _ in Routing._fields))
    return jnp.sin(x_btd * scale + (segment_ids * positions)[..., None] * one_layer["attention_norm"]), routing


def inputs(layers: int) -> tuple[Any, ...]:
    keys = jax.random.split(jax.random.key(0), 5)
    x_btd = jax.random.normal(keys[0], (ROWS, TIME, 3))
    ids = [jax.random.randint(key, (ROWS, TIME), 0, 9) for key in keys[1:3]]
    blocks = {
        name: 1 + jax.random.uniform(key, (layers, 3))
        for name, key in zip(("mlp_norm", "attention_norm"), keys[3:], strict=True)
    }
    return x_btd, *ids, LayerParams(blocks, {}, None)


@pytest.mark.parametrize(
    "layout",
    [*LAYOUTS, *(pytest.param(layout, marks=pytest.mark.long) for layout in MORE)],
    ids=lambda x: f"stage {x.stage}, interleave {x.interleave}, {x.microbatches} micro-batches",
)
@pytest.mark.thorough
def test_rows_and_gradients_are_those_of_one_layer_after_another(layout: Layout) -> None:
    layout, remat = dataclasses.replace(layout, data=1), rematerialize(layout.remat)
    mesh = make_mesh(layout, jax.devices()[: layout.stage * layout.fsdp])
    x_btd, ids, positions, blocks = inputs(2 * layout.stage * layout.interleave)
    pipeline = make_pipeline(mesh, model(2 * layout.stage * layout.interleave), layout)

    def run(run_layers: Any, x_btd: jax.Array, blocks: Any) -> Any:
        return run_layers([Group(layer, blocks)], remat, x_btd, ids, positions)

    def both(run_layers: Any, x_btd: jax.Array, blocks: Any) -> Any:
        x, pull_back, routing = jax.vjp(lambda x, w: run(run_layers, x, w), x_btd, blocks, has_aux=True)
        return x, pull_back(jnp.cos(x)), routing

    expected, gradients, _ = jax.jit(both, static_argnums=0)(scan_layers, x_btd, blocks)
    placed = jax.device_put((x_btd, blocks), NamedSharding(mesh, P("stage")))
    with jax.set_mesh(mesh):
        found, own_gradients, routing = jax.jit(both, static_argnums=0)(pipeline.run_layers, *placed)
        sums = jax.jit(pipeline.sums)(ids)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), own_gradients, gradients)

    means = sums / (ROWS * TIME / layout.microbatches)
    np.testing.assert_allclose(
        routing.entropy, means[:, None, None] * blocks.weights["mlp_norm"][None, :, :2], rtol=1e-5
    )


def test_no_stages_means_no_pipeline() -> None:
    layout = Layout(fsdp=8)
    pipeline = make_pipeline(make_mesh(layout), model(2), layout)
    assert pipeline.run_layers is scan_layers
    np.testing.assert_array_equal(pipeline.sums(jnp.ones((2, 3))), [6])


def test_each_device_keeps_its_own_layers_and_rows() -> None:
    """The compiled pipeline has no collective except between stages, and no device ever holds all layers."""
    layout = Layout(data=1, fsdp=2, stage=4, interleave=2, microbatches=4)
    mesh = make_mesh(layout)
    x_btd, ids, positions, blocks = inputs(24)
    rows, stored = NamedSharding(mesh, P(("stage", "fsdp"))), NamedSharding(mesh, P("stage"))
    arguments = jax.device_put((x_btd, ids, positions), rows), jax.device_put(blocks, stored)
    pipeline = make_pipeline(mesh, model(24), layout)

    def run(arrays: Any, blocks: Any) -> jax.Array:
        x, ids, positions = arrays
        return jax.lax.with_sharding_constraint(
            pipeline.run_layers([Group(layer, blocks)], keep_all, x, ids, positions)[0], rows
        )

    with jax.set_mesh(mesh):
        program = jax.jit(run).lower(*arguments).compile().as_text() or ""
    assert "collective-permute" in program
    for other in ("all-gather", "all-reduce", "all-to-all"):
        assert f" {other}(" not in program and f" {other}-start(" not in program, other
    assert "f32[24,3]" not in program


@pytest.mark.parametrize(
    ("layout", "share"), [(Layout(), 0), (LAYOUTS[0], 1 / 3), (Layout(stage=4, microbatches=8, interleave=2), 3 / 19)]
)
def test_the_bubble_is_what_the_schedule_leaves_idle(layout: Layout, share: float) -> None:
    assert bubble(layout) == pytest.approx(share)
