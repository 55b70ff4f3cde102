"""Activations that each policy keeps for the backward pass of layers."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.config.model import Model
from tanuki_jax.lm.kernels.attention.attention import self_attention
from tanuki_jax.lm.model.remat import rematerialize
from tanuki_jax.lm.model.transformer import Ops, hidden_states, initialise
from tanuki_jax.lm.model.weights import shapes

pytestmark = pytest.mark.thorough

MODEL = Model(vocabulary=31, width=16, hidden=40, layers=3, heads=4, kv_heads=2)
ROWS, TIME = 2, 8
IDS = jnp.ones((ROWS, TIME), jnp.int32)
POSITIONS = jnp.broadcast_to(jnp.arange(TIME), IDS.shape)


def total(params: Any, policy: str, save: tuple[str, ...], offload: tuple[str, ...]) -> jax.Array:
    states, _ = hidden_states(
        params,
        IDS,
        IDS,
        POSITIONS,
        MODEL,
        Ops(attend=functools.partial(self_attention, backend="reference"), remat=rematerialize(policy, save, offload)),
        compute_dtype="float32",
    )
    return jnp.sum(jnp.square(states))


def stacked(policy: str, save: tuple[str, ...] = (), offload: tuple[str, ...] = ()) -> set[tuple[int, ...]]:
    """Shapes, without the leading L, of what the scan over layers keeps for the backward pass."""
    jaxpr: Any = jax.make_jaxpr(
        lambda params: jax.vjp(functools.partial(total, policy=policy, save=save, offload=offload), params)[1]
    )
    (forward,) = [equation for equation in jaxpr(shapes(MODEL)).eqns if equation.primitive.name == "scan"]
    ends = [
        (out.aval.shape, inner.aval.shape)
        for out, inner in zip(forward.outvars, forward.params["jaxpr"].jaxpr.outvars, strict=True)
    ]
    return {of_one for of_all, of_one in ends if of_all == (MODEL.layers, *of_one)}


INPUT, Q, K, HIDDEN = (ROWS, TIME, 16), (ROWS, TIME, 4, 4), (ROWS, TIME, 2, 4), (ROWS, TIME, 40)


@pytest.mark.parametrize(
    ("policy", "save", "kept"),
    [
        ("full", (), {INPUT}),
        ("attention", (), {INPUT, Q}),
        ("full", ("qkv",), {INPUT, Q, K}),
        ("full", ("attention",), {INPUT, Q}),
        ("full", ("middle",), {INPUT}),
        ("full", ("hidden",), {INPUT, HIDDEN}),
        ("attention", ("hidden",), {INPUT, Q, HIDDEN}),
    ],
)
def test_a_policy_keeps_what_its_name_and_save_say(
    policy: str, save: tuple[str, ...], kept: set[tuple[int, ...]]
) -> None:
    assert stacked(policy, save) == kept


def test_dots_keep_products_and_none_keeps_more() -> None:
    assert {Q, K, HIDDEN} <= stacked("dots") < stacked("none")


@pytest.mark.parametrize("policy", ["full", pytest.param("dots", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "name",
    ["input", "attention", *(pytest.param(name, marks=pytest.mark.long) for name in ("qkv", "middle", "hidden"))],
)
def test_what_is_offloaded_lies_on_the_host_and_changes_no_gradient(policy: str, name: str) -> None:
    params = initialise(MODEL, jax.random.key(0))
    offloaded = jax.jit(jax.grad(functools.partial(total, policy=policy, save=(), offload=(name,))))
    assert "Host" in str(jax.make_jaxpr(offloaded)(params))
    kept = jax.jit(jax.grad(functools.partial(total, policy="none", save=(), offload=())))(params)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), offloaded(params), kept)
