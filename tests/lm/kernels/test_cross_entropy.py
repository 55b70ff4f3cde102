"""Linear + cross-entropy against optax on full logits in float64, and what it neither computes nor stores."""

import functools
from collections.abc import Iterator
from typing import Any

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
import pytest
from hypothesis import given, settings

from tanuki_jax.lm.kernels.cross_entropy import (
    SIZES,
    BlockSizes,
    LinearCrossEntropy,
    LowRank,
    block_counts,
    linear_cross_entropy,
    slice_counts,
)

pytestmark = pytest.mark.thorough

type Inputs = tuple[jax.Array, jax.Array, jax.Array, jax.Array]


SMALL = BlockSizes(block=8, tail=4, columns=32, alignment=4)


def inputs(seed: int, batch: int, time: int, vocabulary: int, width: int = 16, share: float = 0.6) -> Inputs:
    """Return states, output matrix, targets and weights, of which about this share is not zero."""
    keys = jax.random.split(jax.random.key(seed), 5)
    states, output = jax.random.normal(keys[0], (batch, time, width)), jax.random.normal(keys[1], (width, vocabulary))
    targets = jax.random.randint(keys[2], (batch, time), 0, vocabulary)
    counted = jax.random.bernoulli(keys[4], share, (batch, time))
    return states, output, targets, counted * jax.random.uniform(keys[3], (batch, time), minval=0.5)


def full_logits(
    states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, weights_bt: jax.Array, /
) -> tuple[jax.Array, jax.Array]:
    logits, counts = states_btd @ output_dv, weights_bt != 0
    return -optax.softmax_cross_entropy_with_integer_labels(logits, targets_bt) * counts, jax.nn.logsumexp(
        logits, axis=-1
    ) * counts


@functools.partial(jax.jit, static_argnums=0)
def results(
    cross_entropy: LinearCrossEntropy, states: jax.Array, output: jax.Array, targets: jax.Array, weights: jax.Array
) -> tuple[jax.Array, ...]:
    """Return log-probabilities, log Z, and the gradients of a function of both."""

    def total(states: jax.Array, output: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        logps, log_z = cross_entropy(states, output, targets, weights)
        return jnp.sum(weights * (0.1 * log_z**2 - jnp.sin(logps))), (logps, log_z)

    gradients, values = jax.grad(total, argnums=(0, 1), has_aux=True)(states, output)
    return *values, *gradients


@functools.cache
def sized(sizes: BlockSizes) -> LinearCrossEntropy:
    return functools.partial(linear_cross_entropy, sizes=sizes)


def computed(*arrays: jax.Array, sizes: BlockSizes = SMALL) -> tuple[jax.Array, ...]:
    return results(sized(sizes), *arrays)


def expected(*arrays: jax.Array) -> tuple[npt.NDArray[np.float64], ...]:
    """Return the results from logits of the full vocabulary in float64."""
    with jax.enable_x64(True):
        wide = (np.asarray(x, None if x.dtype == np.int32 else np.float64) for x in arrays)
        return tuple(np.asarray(x) for x in results(full_logits, *wide))


ANY_SIZES = st.builds(
    BlockSizes,
    block=st.integers(4, 64),
    tail=st.integers(1, 4),
    columns=st.sampled_from((8, 96)),
    alignment=st.just(8),
)
AWKWARD = {  # batch, time, vocabulary; block, tail, columns, alignment
    "one token, one column": ((1, 1, 1), (4, 4, 8, 4)),
    "one block, one slice": ((2, 8, 64), (16, 16, 64, 8)),
    "nothing divides": ((3, 21, 131), (9, 4, 32, 8)),
    "everything divides": ((2, 16, 64), (8, 4, 16, 8)),
    "blocks of one token, slices of one column": ((1, 5, 7), (1, 1, 1, 1)),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_values_and_gradients_equal_those_from_full_logits(name: str) -> None:
    shape, sizes = AWKWARD[name]
    for seed, share in enumerate((0.0, 0.1, 0.6, 1.0)):
        arrays = inputs(seed, *shape, share=share)
        for ours, theirs in zip(computed(*arrays, sizes=BlockSizes(*sizes)), expected(*arrays), strict=True):
            assert ours.dtype == jnp.float32
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-5)


@settings(max_examples=50)
@given(counted=st.lists(st.booleans(), min_size=39, max_size=39), seed=st.integers(0, 9))
def test_any_tokens_may_be_those_that_count(counted: list[bool], seed: int) -> None:
    states, output, targets, weights = inputs(seed, 3, 13, 37, share=1.0)
    arrays = states, output, targets, weights * np.reshape(counted, (3, 13))
    for ours, theirs in zip(computed(*arrays), expected(*arrays), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_bfloat16_products_and_the_output_gradient_are_summed_in_float32(dtype: jnp.dtype) -> None:
    states, output, _, weights = inputs(0, 4, 100, 37, share=1.0)
    states, output, targets = (
        jnp.abs(states).astype(jnp.bfloat16),
        output.astype(jnp.bfloat16).astype(dtype),
        jnp.full((4, 100), 3),
    )
    values, oracle = computed(states, output, targets, weights), expected(states, output, targets, weights)
    assert [x.dtype for x in values] == [jnp.float32, jnp.float32, jnp.bfloat16, dtype]
    for ours, theirs in zip(values[:2], oracle[:2], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(values[2:], oracle[2:], strict=True):
        error = np.linalg.norm(np.asarray(ours, np.float64) - theirs) / np.linalg.norm(theirs)
        assert (
            error < 2**-8
        )  # of the logits' gradient, rounded for the product, and of the result; not of a hundred sums


def test_a_product_of_low_rank_is_added_and_its_b_alone_trained() -> None:
    states, output, targets, weights = inputs(3, 2, 21, 131)
    a, b = (
        jax.random.normal(key, shape)
        for key, shape in zip(jax.random.split(jax.random.key(4)), ((16, 3), (3, 131)), strict=True)
    )

    def total(ours: bool, states: jax.Array, output: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
        if ours:
            low = LowRank(states @ a, b)
            logps, log_z = linear_cross_entropy(
                states, output, targets, weights, frozen=True, sizes=BlockSizes(9, 4, 32, 8), low=low
            )
        else:
            logps, log_z = full_logits(states, output + a @ b, targets, weights)
        return jnp.sum(weights * (0.1 * log_z**2 - jnp.sin(logps)))

    found, theirs = (
        jax.value_and_grad(functools.partial(total, ours), (0, 1, 2, 3))(states, output, a, b) for ours in (True, False)
    )
    np.testing.assert_allclose(found[0], theirs[0], rtol=1e-5)
    assert not found[1][1].any()
    for number in (0, 2, 3):
        np.testing.assert_allclose(found[1][number], theirs[1][number], rtol=1e-4, atol=1e-4)


def test_tokens_of_weight_zero_change_nothing_whatever_they_hold() -> None:
    states, output, targets, weights = inputs(1, 2, 21, 67)
    counted = weights != 0
    clean = computed(states * counted[..., None], output, targets, weights)
    poisoned = computed(
        jnp.where(counted[..., None], states, jnp.nan), output, jnp.where(counted, targets, -100), weights
    )
    for a, b in zip(clean, poisoned, strict=True):
        np.testing.assert_array_equal(a, b)
    for x in poisoned[:3]:
        np.testing.assert_array_equal(x[~counted], 0)


def test_products_are_computed_for_the_blocks_that_hold_tokens_that_count(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens_of: list[int] = []
    product = jax.lax.dot_general

    def counting(a: jax.Array, b: jax.Array, dimensions: Any, **options: Any) -> jax.Array:
        multiplied = a.shape[0]  # tokens in all three kinds of product, of the states or of the gradient of the logits
        jax.debug.callback(lambda: tokens_of.append(multiplied))
        return product(a, b, dimensions, **options)

    monkeypatch.setattr(jax.lax, "dot_general", counting)
    size, slices = slice_counts(67, SMALL)
    for share in (0.0, 0.2, 1.0):
        arrays = inputs(2, 3, 35, 67, share=share)
        tokens_of.clear()
        jax.block_until_ready(computed(*arrays))
        jax.effects_barrier()
        count = int(jnp.sum(arrays[3] != 0))
        assert (slices, size) == (3, 24)
        assert (
            sum(tokens_of) == 4 * slices * -(-count // 4) * 4
        )  # one product forward, three backward; four tokens at the least
        assert len(tokens_of) == 4 * slices * sum(int(number) for _, number in block_counts(count, 105, SMALL))


@given(tokens=st.integers(1, 50_000), data=st.data(), sizes=ANY_SIZES | st.just(SIZES))
def test_blocks_hold_all_tokens_and_little_else(tokens: int, data: st.DataObject, sizes: BlockSizes) -> None:
    count = data.draw(st.integers(0, tokens))
    blocks = block_counts(count, tokens, sizes)
    assert 0 <= sum(size * int(number) for size, number in blocks) - count < min(sizes.tail, tokens)
    assert max(size for size, _ in blocks) <= sizes.block


@given(vocabulary=st.integers(1, 300_000))
def test_slices_hold_every_column_and_are_alike(vocabulary: int) -> None:
    size, number = slice_counts(vocabulary)
    assert (number - 1) * size < vocabulary <= number * size
    assert size <= min(vocabulary, SIZES.columns)
    assert number == 1 or (size % SIZES.alignment == 0 and number * size - vocabulary < number * SIZES.alignment)


def arrays_in(jaxpr: Any) -> Iterator[Any]:
    """Yield all arrays that a jaxpr computes, loops included."""
    for equation in jaxpr.eqns:
        yield from (variable.aval for variable in equation.outvars)
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns") or hasattr(x, "jaxpr")
        ):
            if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
                yield from arrays_in(getattr(inner, "jaxpr", inner))


def test_no_array_grows_with_tokens_times_vocabulary() -> None:
    def largest(time: int, vocabulary: int) -> int:
        jaxpr = jax.make_jaxpr(computed)(*inputs(0, 2, time, vocabulary, width=4))
        return max(array.size for array in arrays_in(jaxpr.jaxpr))

    assert largest(time=500, vocabulary=1000) == 1000 * 4  # the states, as large as the output matrix
    assert largest(time=8, vocabulary=32) == 8 * 32  # a block of logits: they are seen by this test
