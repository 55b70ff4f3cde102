"""The mixture-of-experts layer against every expert on every token, and the router's statistics against formulas."""

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.experts import Experts, Routing, dropless, local_experts, mixture, router_probabilities

pytestmark = pytest.mark.thorough

EXPERTS, EACH, WIDTH, HIDDEN, ROWS, TIME = 5, 2, 6, 10, 2, 7
TOKENS = ROWS * TIME
MODEL = Model(
    vocabulary=8, width=WIDTH, hidden=HIDDEN, layers=1, heads=1, kv_heads=1, experts=EXPERTS, experts_per_token=EACH
)
STANDARDIZED = dataclasses.replace(MODEL, router_logits="standardized")
PAIRS = [(a, b) for a in range(EXPERTS) for b in range(EXPERTS) if a != b] + [(EXPERTS, EXPERTS)]
"""Choices of a token; the last are those of padding."""


def normal(key: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(key), shape)


@functools.cache
def swiglus() -> Experts:
    return Experts(
        *(0.4 * normal(key, EXPERTS, *matrix) for key, matrix in enumerate([(WIDTH, HIDDEN)] * 2 + [(HIDDEN, WIDTH)]))
    )


def dense(x_nd: jax.Array, weights_ne: jax.Array, experts: Experts) -> jax.Array:
    """Every expert on every token, times its weight there, which is 0 where the token did not choose it."""
    inner_nef = jax.nn.silu(jnp.einsum("nd,edf->nef", x_nd, experts.gate_edf)) * jnp.einsum(
        "nd,edf->nef", x_nd, experts.up_edf
    )
    return jnp.einsum("nef,efd,ne->nd", inner_nef, experts.down_efd, weights_ne)


def assert_close(ours: Any, expected: Any) -> None:
    """Within 1e-5 of the largest, or of 1."""

    def close(ours: jax.Array, expected: jax.Array) -> None:
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5 * max(float(jnp.abs(expected).max()), 1.0))

    jax.tree.map(close, ours, expected)


@jax.jit
def of_local_experts(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, g_nd: jax.Array
) -> tuple[jax.Array, Any]:
    y_nd, pull = jax.vjp(
        lambda x, weights, experts: local_experts(x, experts_nk, weights, experts), x_nd, weights_nk, experts
    )
    return y_nd, pull(g_nd)


@jax.jit
def of_all_experts(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, g_nd: jax.Array
) -> tuple[jax.Array, Any]:
    def compute(x_nd: jax.Array, weights_nk: jax.Array, experts: Experts) -> jax.Array:
        return dense(x_nd, jnp.einsum("nk,nke->ne", weights_nk, jax.nn.one_hot(experts_nk, EXPERTS)), experts)

    y_nd, pull = jax.vjp(compute, x_nd, weights_nk, experts)
    return y_nd, pull(g_nd)


@settings(max_examples=40)
@given(pairs=st.lists(st.sampled_from(PAIRS), min_size=TOKENS, max_size=TOKENS))
@example(pairs=[(3, 1)] * TOKENS)
@example(pairs=[(0, 4), (4, 0)] * ROWS * (TIME // 2) + [(4, 1)] * ROWS)
@example(pairs=[(EXPERTS, EXPERTS)] * TOKENS)
def test_dropless_is_every_expert_on_every_token_in_values_and_gradients(pairs: list[tuple[int, int]]) -> None:
    weights_nk = jax.nn.softmax(normal(5, TOKENS, EACH))
    arguments = (normal(4, TOKENS, WIDTH), jnp.array(pairs, jnp.int32), weights_nk, swiglus(), normal(6, TOKENS, WIDTH))
    assert_close(of_local_experts(*arguments), of_all_experts(*arguments))


def test_only_the_experts_that_are_here_add_something() -> None:
    x_nd, weights_nk = normal(4, TOKENS, WIDTH), jnp.ones((TOKENS, EACH))
    choices = jnp.array([PAIRS[token % len(PAIRS)] for token in range(TOKENS)], jnp.int32)
    compute = jax.jit(local_experts)
    parts = [(slice(0, 2), 0), (slice(2, EXPERTS), 2)]
    halves = [
        compute(x_nd, choices - first, weights_nk, Experts(*(w[part] for w in swiglus()))) for part, first in parts
    ]
    assert_close(halves[0] + halves[1], compute(x_nd, choices, weights_nk, swiglus()))


def segments(padding: list[int]) -> jax.Array:
    return jnp.ones((ROWS, TIME), jnp.int32).reshape(-1).at[jnp.array(padding, jnp.int32)].set(0).reshape(ROWS, TIME)


@jax.jit
def of_mixture(x_btd: jax.Array, segment_ids: jax.Array, router_de: jax.Array, experts: Experts) -> tuple[Any, Any]:
    """Output and routing, and the gradients of a loss that both of its losses and the output are in."""

    def total(x_btd: jax.Array, router_de: jax.Array, experts: Experts) -> tuple[jax.Array, Any]:
        y_btd, routing = mixture(x_btd, segment_ids, router_de, experts, MODEL, dropless)
        return jnp.sum(jnp.sin(y_btd)) + 3 * routing.load_balancing + 0.1 * routing.z_loss, (y_btd, routing)

    gradients, values = jax.grad(total, argnums=(0, 1, 2), has_aux=True)(x_btd, router_de, experts)
    return values, gradients


@jax.jit
def of_mixture_by_formula(
    x_btd: jax.Array, segment_ids: jax.Array, router_de: jax.Array, experts: Experts
) -> tuple[Any, Any]:
    """Mixtral's layer with the formulas of its papers, with every expert on every token."""
    real_n = (segment_ids.reshape(-1) != 0).astype(jnp.float32)

    def total(x_btd: jax.Array, router_de: jax.Array, experts: Experts) -> tuple[jax.Array, jax.Array]:
        x_nd = x_btd.reshape(TOKENS, WIDTH)
        logits_ne = x_nd @ router_de
        p_ne = jnp.exp(logits_ne) / jnp.exp(logits_ne).sum(1, keepdims=True)
        chosen_ne = (jnp.argsort(jnp.argsort(-p_ne)) < EACH) * real_n[:, None]
        weights_ne = p_ne * chosen_ne / jnp.maximum((p_ne * chosen_ne).sum(1, keepdims=True), 1e-9)
        y_nd = dense(x_nd, weights_ne, experts)
        load_e, mean_e = chosen_ne.sum(0) / EACH / real_n.sum(), (p_ne * real_n[:, None]).sum(0) / real_n.sum()
        z_loss = (jnp.log(jnp.exp(logits_ne).sum(1)) ** 2 * real_n).sum() / real_n.sum()
        return jnp.sum(jnp.sin(y_nd)) + 3 * EXPERTS * jnp.sum(load_e * mean_e) + 0.1 * z_loss, y_nd.reshape(x_btd.shape)

    gradients, y_btd = jax.grad(total, argnums=(0, 1, 2), has_aux=True)(x_btd, router_de, experts)
    return y_btd, gradients


@settings(max_examples=40)
@given(seed=st.integers(0, 2**31 - 1), padding=st.lists(st.integers(0, TOKENS - 1), max_size=TOKENS - 1))
def test_the_layer_and_all_its_gradients_follow_the_papers(seed: int, padding: list[int]) -> None:
    arguments = (normal(seed, ROWS, TIME, WIDTH), segments(padding), normal(8, WIDTH, EXPERTS), swiglus())
    (y_btd, _), gradients = of_mixture(*arguments)
    assert_close((y_btd, gradients), of_mixture_by_formula(*arguments))


@settings(max_examples=40)
@given(padding=st.lists(st.integers(0, TOKENS - 1), min_size=1, max_size=TOKENS))
@example(padding=list(range(TOKENS)))
def test_padding_neither_routes_nor_counts(padding: list[int]) -> None:
    x_btd, segment_ids, router_de = normal(7, ROWS, TIME, WIDTH), segments(padding), normal(8, WIDTH, EXPERTS)
    other_btd = jnp.where(segment_ids[..., None] == 0, 100 * normal(9, ROWS, TIME, WIDTH), x_btd)
    (y_btd, routing), (x_gradient, *gradients) = of_mixture(x_btd, segment_ids, router_de, swiglus())
    jax.tree.map(
        np.testing.assert_array_equal,
        of_mixture(other_btd, segment_ids, router_de, swiglus()),
        ((y_btd, routing), (x_gradient, *gradients)),
    )
    for array in (y_btd, x_gradient):
        assert not np.asarray(array)[np.asarray(segment_ids) == 0].any()
    np.testing.assert_allclose(routing.load_e.sum(), float(np.asarray(segment_ids).any()), rtol=1e-6)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((routing, gradients)))


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    powers: npt.NDArray[np.float64] = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


LOGITS = [[0.0, 1.0, 2.0, -3.0, 0.5], [40.0, -40.0, 39.0, 0.0, 1.0], [1e-4, 0.0, 2e-4, 0.0, 0.0]]


def test_plain_router_probabilities_are_the_softmax() -> None:
    logits = np.array(LOGITS)
    np.testing.assert_allclose(router_probabilities(jnp.float32(logits), MODEL), softmax(logits), rtol=1e-6, atol=1e-12)


def test_standardized_router_probabilities_are_those_of_the_formula() -> None:
    logits = np.array(LOGITS)
    scores = (logits - logits.mean(-1, keepdims=True)) / (logits.std(-1, ddof=1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(router_probabilities(jnp.float32(logits), STANDARDIZED), softmax(scores), rtol=2e-6)


@jax.jit
def probabilities_and_slopes(logits: jax.Array) -> tuple[jax.Array, jax.Array]:
    return router_probabilities(logits, STANDARDIZED), jax.jacobian(
        lambda logits: router_probabilities(logits, STANDARDIZED)
    )(logits)


@pytest.mark.parametrize("logit", [0.0, 3.3, -1e3])
def test_equal_logits_standardized_are_even_and_have_a_finite_gradient(logit: float) -> None:
    logits = jnp.full((EXPERTS,), logit)
    probabilities, slopes = probabilities_and_slopes(logits)
    np.testing.assert_allclose(probabilities, 1 / EXPERTS, rtol=1e-6)
    assert np.isfinite(slopes).all()


def test_gradients_are_finite_where_a_probability_is_zero() -> None:
    x_btd, ids, experts = normal(1, ROWS, TIME, WIDTH), segments([]), swiglus()

    def total(router_de: jax.Array) -> jax.Array:
        y_btd, routing = mixture(x_btd, ids, router_de, experts, MODEL, dropless)
        return y_btd.sum() + sum(part.sum() for part in routing)

    router_de = 1e4 * normal(2, WIDTH, EXPERTS)
    logits_bte = jnp.einsum("btd,de->bte", x_btd, router_de)
    assert (router_probabilities(logits_bte, MODEL) == 0).any()
    assert jnp.isfinite(jax.jit(jax.grad(total))(router_de)).all()


@functools.partial(jax.jit, static_argnames="model")
def routing_of(logits_ne: npt.ArrayLike, model: Model = MODEL) -> Routing:
    """Route with these logits, by an identity matrix as router. Three choices are dropped."""
    logits = jnp.asarray(logits_ne, jnp.float32)[None]
    segment_ids = jnp.ones(logits.shape[:2], jnp.int32)
    return mixture(logits, segment_ids, jnp.eye(EXPERTS), swiglus(), model, lambda x, *_: (x, jnp.float32(3)))[1]


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([0.01, 1.0, 30.0]))
def test_a_report_has_the_shares_and_means_of_its_definition(seed: int, size: float) -> None:
    logits = size * np.random.default_rng(seed).normal(size=(TIME, EXPERTS))
    routing = routing_of(logits)
    p = softmax(logits)
    load = np.bincount(np.argsort(-logits, axis=-1)[:, :EACH].ravel(), minlength=EXPERTS) / (TIME * EACH)
    np.testing.assert_allclose(routing.load_e, load, rtol=1e-6)
    np.testing.assert_allclose(routing.entropy, -(p * np.log(p)).sum(-1).mean(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(routing.load_balancing, EXPERTS * load @ p.mean(0), rtol=1e-5)
    np.testing.assert_allclose(routing.z_loss, (np.log(np.exp(logits).sum(-1)) ** 2).mean(), rtol=1e-4)
    np.testing.assert_allclose(routing.dropped, 3 / (TIME * EACH), rtol=1e-6)
    assert 0 <= routing.entropy <= math.log(EXPERTS) * (1 + 1e-6)
    assert routing.load_balancing <= EXPERTS / EACH * (1 + 1e-6)


def test_load_balancing_is_one_if_even_and_e_over_k_at_worst() -> None:
    """Each of a token's k experts has a share of at most 1/k, so E sum(load p) is at most E/k sum(p) = E/k."""
    turned = [np.roll([2.0, 1.0, 0.0, -1.0, 0.5], turn) for turn in range(EXPERTS)]
    np.testing.assert_allclose(routing_of(np.array(turned + turned)).load_balancing, 1, rtol=1e-6)
    np.testing.assert_allclose(
        routing_of(np.array([[50.0, 20.0, 0.0, 0.0, 0.0]] * 2 * EXPERTS)).load_balancing, EXPERTS / EACH, rtol=1e-6
    )


def test_standardized_logits_change_the_choices_weights_but_not_the_z_loss() -> None:
    logits = np.random.default_rng(0).normal(size=(TIME, EXPERTS))
    plain, standardized = routing_of(logits), routing_of(logits, STANDARDIZED)
    np.testing.assert_array_equal(plain.load_e, standardized.load_e)
    assert plain.z_loss == standardized.z_loss and plain.entropy != standardized.entropy
