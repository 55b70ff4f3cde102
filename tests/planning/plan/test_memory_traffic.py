"""Moved and kept bytes of programs, against sums by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.ad_checkpoint import checkpoint_name

from tanuki_jax.planning.plan import hlo
from tanuki_jax.planning.plan.memory_traffic import host_bytes, kept_bytes, moved_bytes
from tanuki_jax.planning.plan.target import parse

SIDE = 512
ARRAY = SIDE * SIDE * 4
SQUARE = jax.ShapeDtypeStruct((SIDE, SIDE), jnp.float32)


def program(function: Any, *shapes: Any) -> hlo.Program:
    return hlo.parse(jax.jit(function).lower(*shapes).compile().as_text() or "")


def test_elementwise_work_reads_its_operands_and_writes_its_result() -> None:
    assert moved_bytes(program(lambda x, y: jnp.sin(x) * y + 1, SQUARE, SQUARE)) == 3 * ARRAY


def test_only_the_slice_of_an_array_is_read() -> None:
    rows = program(
        lambda x, i: jnp.sin(jax.lax.dynamic_slice(x, (i, 0), (8, SIDE))), SQUARE, jax.ShapeDtypeStruct((), jnp.int32)
    )
    assert moved_bytes(rows) == pytest.approx(2 * 8 * SIDE * 4, abs=64)


def test_products_are_not_counted() -> None:
    assert moved_bytes(program(lambda x, y: x @ y, SQUARE, SQUARE)) == 0


def sines(x: jax.Array, layers: int) -> jax.Array:
    """Apply sin in a loop; the gradient needs the cosine of each layer's input, or that input."""
    return jax.lax.scan(lambda x, _: (jnp.sin(x), None), x, None, length=layers)[0].sum()


def test_one_array_per_layer_is_kept_for_the_backward_pass() -> None:
    assert kept_bytes(program(jax.grad(lambda x: sines(x, 7)), SQUARE)) == 7 * ARRAY


def test_only_arrays_of_a_differentiated_forward_pass_are_kept() -> None:
    """Stacked gradients of weights do not count, nor do results of a loop that is not differentiated."""

    def loss(weights: jax.Array, x: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda x, w: (jnp.sin(x) * w, None), x, weights)[0].sum()

    weights = jax.ShapeDtypeStruct((7, SIDE, SIDE), jnp.float32)
    kept = kept_bytes(program(jax.grad(loss), weights, SQUARE))
    assert 7 * ARRAY <= kept <= 2 * 7 * ARRAY  # the input, or its sine and its cosine
    assert kept_bytes(program(lambda x: jax.lax.scan(lambda x, _: (jnp.sin(x), x), x, None, length=7), SQUARE)) == 0


@pytest.mark.gpu_compile
def test_offloaded_arrays_are_transferred_twice() -> None:
    (device,) = parse("h100:1").devices()
    policy = jax.checkpoint_policies.save_and_offload_only_these_names(
        names_which_can_be_saved=[],
        names_which_can_be_offloaded=["kept"],
        offload_src="device",
        offload_dst="pinned_host",
    )

    def layer(x: jax.Array, _: None) -> tuple[jax.Array, None]:
        return jnp.sin(checkpoint_name(x, "kept")) * 2, None

    def loss(x: jax.Array) -> jax.Array:
        return jax.lax.scan(jax.checkpoint(layer, policy=policy, prevent_cse=False), x, None, length=7)[0].sum()

    offloaded = program(
        jax.grad(loss),
        jax.ShapeDtypeStruct((SIDE, SIDE), jnp.float32, sharding=jax.sharding.SingleDeviceSharding(device)),
    )
    assert kept_bytes(offloaded) == 0
    assert host_bytes(offloaded) == pytest.approx(2 * 7 * ARRAY, rel=0.01)
