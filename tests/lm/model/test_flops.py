"""FLOP counts against counts by hand."""

import jax
import jax.numpy as jnp
import pytest

from tanuki_jax.config.registry import experiment
from tanuki_jax.lm.model.flops import count, training_flops_per_token


def test_a_scan_counts_as_often_as_it_runs() -> None:
    def body(x: jax.Array, w: jax.Array) -> tuple[jax.Array, None]:
        return jax.checkpoint(lambda x: jnp.sin(x @ w))(x), None

    jaxpr = jax.make_jaxpr(lambda x, w: jax.lax.scan(body, x, w)[0])(jnp.ones((3, 4)), jnp.ones((5, 4, 4)))
    assert count(jaxpr.jaxpr) == 5 * 2 * 3 * 4 * 4


def test_a_while_loop_is_refused() -> None:
    jaxpr = jax.make_jaxpr(lambda x: jax.lax.while_loop(lambda x: x.sum() < 9, lambda x: x @ x, x))(jnp.ones((2, 2)))
    with pytest.raises(ValueError, match="while"):
        count(jaxpr.jaxpr)


def test_tiny_agrees_with_a_count_by_hand() -> None:
    tiny = experiment.find("tiny")
    m, t = tiny.model, tiny.data.sequence_length
    dim = m.width // m.heads
    layer = (
        2 * m.width * (m.heads * dim + 2 * m.kv_heads * dim) + 2 * m.heads * dim * m.width + 3 * 2 * m.width * m.hidden
    )
    attention = 2 * 2 * m.heads * dim * (t + 1) / 2
    assert training_flops_per_token(m, t) == 3 * (m.layers * (layer + attention) + 2 * m.width * m.vocabulary)


def test_a_mixture_counts_its_router_and_the_chosen_experts() -> None:
    dense, moe = (experiment.find(name) for name in ("tiny", "tiny_moe"))
    m, t = moe.model, moe.data.sequence_length
    assert (m.experts, m.experts_per_token) == (8, 2)
    mlp, router = 3 * 2 * m.width * m.hidden, 2 * m.width * m.experts
    assert training_flops_per_token(m, t) - training_flops_per_token(dense.model, t) == 3 * m.layers * (mlp + router)


def test_8b_agrees_with_the_published_figure() -> None:
    assert round(training_flops_per_token(experiment.find("8b").model, 8192) / 1e9, 1) == 49.9
