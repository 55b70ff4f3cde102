"""Output matrix and cross-entropy together, a block of tokens and a slice of the vocabulary at a time: B x T x V is never held."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.varying import varying

BLOCK, TAIL = 4096, 1024
"""Tokens in a block, and in each of the blocks that hold the rest: what is computed is rounded up to a multiple of `TAIL`."""

SLICE, ALIGNMENT = 16_384, 128
"""Most columns of the output matrix in a slice; where there are several, their number is a multiple of the alignment."""


class LinearCrossEntropy(Protocol):
    """Log-probabilities and log-sum-exp, float32[B, T] each, from states [B, T, D], output matrix [D, V], targets and weights [B, T]."""

    def __call__(
        self, states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, weights_bt: jax.Array, /
    ) -> tuple[jax.Array, jax.Array]: ...


def linear_cross_entropy(
    states_btd: jax.Array,
    output_dv: jax.Array,
    targets_bt: jax.Array,
    weights_bt: jax.Array,
    *,
    axis: str | None = None,
    frozen: bool = False,
) -> tuple[jax.Array, jax.Array]:
    """Log-probability of each target, and the log partition function, of `softmax(states @ output)`.

    Products are computed in the type of the states and summed in float32, as are the gradients. The backward pass computes the logits
    again. Tokens of weight zero are left out of every product, to within `TAIL` tokens, whatever their states and targets hold.

    Args:
        states_btd: [B, T, D].
        output_dv: [D, V], of any type.
        targets_bt: int32[B, T] in [0, V).
        weights_bt: [B, T]; only whether they are zero matters here.
        axis: inside `shard_map`, the mesh axis that splits V; `output_dv` is then this device's columns, while targets stay global. Along
            axes that split the states and not the output matrix, its gradient is summed.
        frozen: the output matrix is not trained: its gradient is not computed.

    Returns:
        float32[B, T] log-probabilities of the targets and float32[B, T] log-sum-exp of the logits, both 0 where the weight is.
    """
    batch, time, width = states_btd.shape
    logps, log_z = _linear_cross_entropy(
        states_btd.reshape(-1, width),
        varying(output_dv, states_btd),
        targets_bt.reshape(-1),
        weights_bt.reshape(-1),
        axis,
        frozen,
    )
    return logps.reshape(batch, time), log_z.reshape(batch, time)


def block_counts(count: jax.Array | int, tokens: int) -> list[tuple[int, jax.Array | int]]:
    """The blocks that hold `count` of at most `tokens` tokens, in order: pairs of their size and how many there are."""
    tail = min(TAIL, tokens)
    block = min(BLOCK, tokens) // tail * tail
    if block == tail:
        return [(tail, -(-count // tail))]
    return [(block, count // block), (tail, -(-(count % block) // tail))]


def slice_counts(vocabulary: int) -> tuple[int, int]:
    """Size and number of the slices of a vocabulary; the last begins early, so that all are whole."""
    number = -(-vocabulary // SLICE)
    size = min(vocabulary, math.ceil(vocabulary / number / ALIGNMENT) * ALIGNMENT)
    return size, -(-vocabulary // size)


class _Compact(NamedTuple):
    """The tokens that count, moved to the front in their order."""

    token: jax.Array
    """Which token is in each place, int32 over the places; one past the last token where there is none."""
    place: jax.Array
    """Which place each token is in, int32 over the tokens; one past the last place for a token of weight zero."""
    number: jax.Array
    """How many they are, int32[]."""


def _compact(weights_n: jax.Array) -> _Compact:
    tokens = weights_n.size
    tail = min(TAIL, tokens)
    places = -(-tokens // tail) * tail
    counts = weights_n != 0
    ends = jnp.cumsum(counts, dtype=jnp.int32)
    place = jnp.where(counts, ends - 1, places)
    token = (
        jnp.full_like(place, tokens, shape=(places,)).at[place].set(jnp.arange(tokens, dtype=jnp.int32), mode="drop")
    )
    return _Compact(token, place, ends[-1])


def _take(x: jax.Array, index: jax.Array) -> jax.Array:
    """Rows of x; zeros past its end."""
    return x.at[index].get(mode="fill", fill_value=0)


def _over_blocks[C](compact: _Compact, carry: C, block: Callable[[jax.Array, jax.Array, C], C]) -> C:
    """Carry through all blocks that hold tokens; `block` takes the first place of one, which token is in each place, and the carry."""
    first: jax.Array | int = 0
    for size, number in block_counts(compact.number, compact.place.size):

        def body(i: jax.Array, carry: C, first: jax.Array | int = first, size: int = size) -> C:
            at = first + i * size
            return block(at, jax.lax.dynamic_slice_in_dim(compact.token, at, size), carry)

        carry = jax.lax.fori_loop(0, number, body, carry)
        first += size * number
    return carry


class _Slice(NamedTuple):
    """A slice of the vocabulary."""

    start: jax.Array
    """Its first column of the output matrix."""
    weights_dv: jax.Array
    """In the type of the states."""
    stale: jax.Array
    """How many columns, its first ones, belong to the slice before."""

    def logits(self, states_nd: jax.Array) -> jax.Array:
        """float32[N, size], minus infinity in the stale columns."""
        logits_nv = _product(states_nd, self.weights_dv, (1, 0))
        return jnp.where(jnp.arange(logits_nv.shape[1]) < self.stale, -jnp.inf, logits_nv)


def _slice(output_dv: jax.Array, i: jax.Array, dtype: jnp.dtype) -> _Slice:
    size, _ = slice_counts(output_dv.shape[1])
    start = jnp.minimum(i * size, output_dv.shape[1] - size)
    return _Slice(start, jax.lax.dynamic_slice_in_dim(output_dv, start, size, axis=1).astype(dtype), i * size - start)


def _product(a: jax.Array, b: jax.Array, dims: tuple[int, int]) -> jax.Array:
    """Of matrices, over one dim of each, summed in float32."""
    return jax.lax.dot_general(a, b, (((dims[0],), (dims[1],)), ((), ())), preferred_element_type=jnp.float32)


def _add_rows(x: jax.Array, rows: jax.Array, at: jax.Array) -> jax.Array:
    sums = jax.lax.dynamic_slice_in_dim(x, at, rows.shape[0]) + rows
    return jax.lax.dynamic_update_slice_in_dim(x, sums, at, axis=0)


@functools.partial(jax.custom_vjp, nondiff_argnums=(4, 5))
def _linear_cross_entropy(
    states_nd: jax.Array,
    output_dv: jax.Array,
    targets_n: jax.Array,
    weights_n: jax.Array,
    axis: str | None,
    frozen: bool,
) -> tuple[jax.Array, jax.Array]:
    return _forward(states_nd, output_dv, targets_n, weights_n, axis, frozen)[0]


type _Residuals = tuple[jax.Array, jax.Array, jax.Array, jax.Array, _Compact]


def _forward(
    states_nd: jax.Array,
    output_dv: jax.Array,
    targets_n: jax.Array,
    weights_n: jax.Array,
    axis: str | None,
    _frozen: bool,
) -> tuple[tuple[jax.Array, jax.Array], _Residuals]:
    compact = _compact(weights_n)
    targets_n = _local(targets_n, output_dv, axis)

    def over_slice(i: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        part = _slice(output_dv, i, states_nd.dtype)

        def block(at: jax.Array, token: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            log_z, target = carry
            logits = part.logits(_take(states_nd, token))
            column = _take(targets_n, token) - part.start
            here = (column >= part.stale) & (column < logits.shape[1])
            logit = jnp.take_along_axis(logits, jnp.where(here, column, 0)[:, None], axis=1)[:, 0]
            before = jax.lax.dynamic_slice_in_dim(log_z, at, token.size)
            after = jnp.logaddexp(before, jax.nn.logsumexp(logits, axis=1))
            log_z = jax.lax.dynamic_update_slice_in_dim(log_z, after, at, axis=0)
            return log_z, _add_rows(target, jnp.where(here, logit, 0), at)

        return _over_blocks(compact, carry, block)

    zeros = varying(jnp.zeros(compact.token.shape, jnp.float32), states_nd, output_dv)
    _, slices = slice_counts(output_dv.shape[1])
    log_z, target = jax.lax.fori_loop(0, slices, over_slice, (zeros - jnp.inf, zeros))
    if axis is not None:
        largest = jax.lax.pmax(log_z, axis)
        log_z = largest + jnp.log(jax.lax.psum(jnp.exp(log_z - largest), axis))
        target = jax.lax.psum(target, axis)
    log_z_n = _take(log_z, compact.place)
    return (_take(target, compact.place) - log_z_n, log_z_n), (states_nd, output_dv, targets_n, log_z_n, compact)


def _backward(
    axis: str | None, frozen: bool, residuals: _Residuals, gradients: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array | None, None, None]:
    """With p the softmax, d log p(target) / d logits = onehot - p and d log Z / d logits = p."""
    states_nd, output_dv, targets_n, log_z_n, compact = residuals
    target_gradient_n, softmax_gradient_n = gradients[0], gradients[1] - gradients[0]
    size, slices = slice_counts(output_dv.shape[1])

    def over_slice(i: jax.Array, carry: tuple[jax.Array, jax.Array | None]) -> tuple[jax.Array, jax.Array | None]:
        states_gradient, output_gradient = carry
        part = _slice(output_dv, i, states_nd.dtype)

        def block(
            at: jax.Array, token: jax.Array, carry: tuple[jax.Array, jax.Array | None]
        ) -> tuple[jax.Array, jax.Array | None]:
            states_gradient, weights_gradient = carry
            states = _take(states_nd, token)
            logits = part.logits(states)
            column, log_z, of_target, of_softmax = (
                _take(x, token)[:, None]
                for x in (targets_n - part.start, log_z_n, target_gradient_n, softmax_gradient_n)
            )
            index = jnp.arange(size)
            onehot = (index == column) & (index >= part.stale)
            logits_gradient = (jnp.exp(logits - log_z) * of_softmax + jnp.where(onehot, of_target, 0)).astype(
                states.dtype
            )
            states_gradient = _add_rows(states_gradient, _product(logits_gradient, part.weights_dv, (1, 1)), at)
            if weights_gradient is not None:
                weights_gradient += _product(states, logits_gradient, (0, 0))
            return states_gradient, weights_gradient

        before = None
        if output_gradient is not None:
            before = jax.lax.dynamic_slice_in_dim(output_gradient, part.start, size, axis=1).astype(jnp.float32)
        states_gradient, after = _over_blocks(compact, (states_gradient, before), block)
        if output_gradient is not None and after is not None:
            output_gradient = jax.lax.dynamic_update_slice_in_dim(
                output_gradient, after.astype(output_gradient.dtype), part.start, axis=1
            )
        return states_gradient, output_gradient

    states_gradient = varying(jnp.zeros((compact.token.size, states_nd.shape[1]), jnp.float32), states_nd, output_dv)
    output_gradient = None if frozen else jnp.zeros_like(output_dv)
    states_gradient, output_gradient = jax.lax.fori_loop(0, slices, over_slice, (states_gradient, output_gradient))
    states_gradient = _take(states_gradient, compact.place).astype(states_nd.dtype)
    return states_gradient if axis is None else jax.lax.psum(states_gradient, axis), output_gradient, None, None


_linear_cross_entropy.defvjp(_forward, _backward)


def _local(targets_n: jax.Array, output_dv: jax.Array, axis: str | None) -> jax.Array:
    """Targets as columns of this device's slice of the output matrix; those of other devices are out of its range."""
    return targets_n if axis is None else targets_n - jax.lax.axis_index(axis) * output_dv.shape[1]
