"""The model: its size, and that a packed document is computed as if it were alone."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.config.model import Model
from tanuki_jax.config.registry import experiment
from tanuki_jax.lm.kernels.attention.attention import PLAIN, Backend, self_attention
from tanuki_jax.lm.model.remat import rematerialize
from tanuki_jax.lm.model.transformer import Ops, hidden_states, initialise, output_matrix
from tanuki_jax.lm.model.weights import Params, count_active_parameters, count_parameters

SMALL = Model(vocabulary=97, width=32, hidden=48, layers=3, heads=4, kv_heads=2)


def logits(
    params: Params,
    tokens: jax.Array,
    segment_ids: jax.Array,
    positions: jax.Array,
    backend: Backend = "auto",
    remat: str = "none",
) -> jax.Array:
    attend = functools.partial(self_attention, backend=backend)
    states, _ = hidden_states(
        params,
        tokens,
        segment_ids,
        positions,
        SMALL,
        Ops(attend=attend, remat=rematerialize(remat)),
        compute_dtype="float32",
    )
    return states @ output_matrix(params)


def test_8b_has_the_published_number_of_parameters() -> None:
    assert count_parameters(experiment.find("8b").model) == 7_512_264_704


@pytest.mark.parametrize("name", ["8x8b", "tiny_moe"])
def test_a_mixture_has_a_router_and_experts_in_place_of_each_swiglu(name: str) -> None:
    model = experiment.find(name).model
    dense = dataclasses.replace(model, experts=0)
    swiglu, router = 3 * model.width * model.hidden, model.width * model.experts
    assert count_parameters(model) == count_parameters(dense) + model.layers * ((model.experts - 1) * swiglu + router)
    assert count_active_parameters(model) == count_parameters(dense) + model.layers * (swiglu + router)
    assert count_active_parameters(dense) == count_parameters(dense)


def test_8x8b_has_the_published_numbers_of_parameters() -> None:
    model = experiment.find("8x8b").model
    assert (count_parameters(model), count_active_parameters(model)) == (46_973_325_312, 13_150_457_856)


def test_tied_models_have_no_output_matrix() -> None:
    tied = dataclasses.replace(SMALL, tied=True)
    assert count_parameters(SMALL) - count_parameters(tied) == 97 * 32
    params = initialise(tied, jax.random.key(0))
    np.testing.assert_array_equal(output_matrix(params), params["embedding"].T)


@pytest.mark.thorough
def test_initial_weights_have_the_stated_spread() -> None:
    params = initialise(dataclasses.replace(SMALL, width=256, hidden=512), jax.random.key(0))
    for name, std in (("q", 0.02), ("gate", 0.02), ("o", 0.02 / 6**0.5), ("down", 0.02 / 6**0.5)):
        np.testing.assert_allclose(np.std(params["blocks"][name]), std, rtol=0.02)
    blocks = initialise(dataclasses.replace(SMALL, width=64, hidden=96, experts=6), jax.random.key(0))["blocks"]
    for name, std in (("router", 0.02), ("expert_gate", 0.02), ("expert_up", 0.02), ("expert_down", 0.02 / 6**0.5)):
        np.testing.assert_allclose(np.std(blocks[name]), std, rtol=0.04)
    np.testing.assert_allclose(np.std(params["embedding"]), 0.02, rtol=0.02)
    np.testing.assert_array_equal(params["norm"], 1)


@pytest.mark.parametrize("backend", PLAIN)
def test_a_packed_row_gives_each_document_the_logits_that_it_has_alone(backend: Backend) -> None:
    params = initialise(dataclasses.replace(SMALL, initial_std=0.1), jax.random.key(0))
    lengths = [7, 1, 12, 5]
    tokens = jax.random.randint(jax.random.key(1), (1, 30), 0, 97)
    segment_ids = jnp.asarray([[i for i, n in enumerate(lengths, 1) for _ in range(n)] + [0] * 5])
    positions = jnp.asarray([[place for n in lengths for place in range(n)] + [0] * 5])
    compute = jax.jit(logits, static_argnames=("backend", "remat"))
    packed = compute(params, tokens, segment_ids, positions, backend)
    start = 0
    for length in lengths:
        document = slice(start, start + length)
        alone = compute(
            params, tokens[:, document], jnp.ones((1, length), jnp.int32), jnp.arange(length)[None], backend
        )
        np.testing.assert_allclose(packed[:, document], alone, atol=1e-5)
        start += length


@pytest.mark.parametrize("remat", ["full", "attention", "dots"])
@pytest.mark.thorough
def test_recomputation_changes_no_gradient(remat: str) -> None:
    params = initialise(SMALL, jax.random.key(0))
    tokens = jax.random.randint(jax.random.key(1), (2, 9), 0, 97)
    ones, positions = jnp.ones_like(tokens), jnp.broadcast_to(jnp.arange(9), (2, 9))

    def total(params: Params, remat: str) -> jax.Array:
        return jnp.sum(jax.nn.logsumexp(logits(params, tokens, ones, positions, remat=remat), axis=-1))

    kept, recomputed = (jax.jit(jax.grad(functools.partial(total, remat=name)))(params) for name in ("none", remat))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), kept, recomputed)


def test_activations_have_the_compute_type() -> None:
    params = initialise(SMALL, jax.random.key(0))
    tokens = jnp.zeros((1, 4), jnp.int32)
    states, _ = hidden_states(
        params,
        tokens,
        tokens + 1,
        tokens,
        SMALL,
        Ops(attend=lambda q, *_: q),
        compute_dtype="bfloat16",
    )
    assert states.dtype == jnp.bfloat16
