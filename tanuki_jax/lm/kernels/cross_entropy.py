"""Output matrix and cross-entropy together, by blocks of tokens and slices of the vocabulary, without logits [B, T, V].

Logits exist only for one block and one slice at a time. The forward pass keeps the log-sum-exp of every token; from it
the backward pass, which computes the logits again, has the softmax of a slice without seeing the others.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.varying import varying


class BlockSizes(NamedTuple):
    """Sizes of the blocks of tokens and of the slices of the vocabulary for which logits are computed."""

    block: int = 4096
    """Tokens in a block."""
    tail: int = 1024
    """Tokens in each of the small blocks that cover what the large ones leave; the number of computed tokens is rounded
    up to a multiple of this."""
    columns: int = 16_384
    """Most columns of the output matrix in a slice."""
    alignment: int = 128
    """Divisor of the number of columns in a slice, where there are several slices."""


SIZES = BlockSizes()


class LowRank(NamedTuple):
    """Product that is added to the logits: that of an adapter of the output matrix, whose B alone is trained here."""

    states_btr: jax.Array
    """[B, T, r], states times A, in the type of the states."""
    b_rv: jax.Array
    """[r, V], of any type."""


class LinearCrossEntropy(Protocol):
    """Function from states [B, T, D], output matrix [D, V], targets and weights [B, T] to two arrays float32[B, T].

    These are the log-probabilities of the targets and the log-sum-exp of the logits.
    """

    def __call__(
        self, states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, weights_bt: jax.Array, /
    ) -> tuple[jax.Array, jax.Array]: ...


type _Outputs = tuple[jax.Array, ...]
"""Output matrix [D, V], and perhaps the B [r, V] of its adapter, which are its further rows."""


def linear_cross_entropy(
    states_btd: jax.Array,
    output_dv: jax.Array,
    targets_bt: jax.Array,
    weights_bt: jax.Array,
    *,
    axis: str | None = None,
    frozen: bool = False,
    sizes: BlockSizes = SIZES,
    low: LowRank | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Compute the log-probability of each target, and the log partition function, of `softmax(states @ output)`.

    Products are computed in the type of the states and summed in float32, as are the gradients. The backward pass
    computes the logits again. Tokens of weight zero are skipped, whatever their states and targets hold; only the
    number of computed tokens is rounded up to a multiple of `sizes.tail`.

    Args:
        states_btd: [B, T, D].
        output_dv: [D, V], of any type.
        targets_bt: int32[B, T] in [0, V).
        weights_bt: [B, T]; only whether they are zero matters.
        axis: inside `shard_map`, the mesh axis that splits V; `output_dv` is then this device's columns, while targets
            stay global. Along axes that split the states and not the output matrix, its gradient is summed.
        frozen: the output matrix is not trained: its gradient is not computed.
        sizes: sizes of blocks and slices.
        low: added to the logits of a frozen output matrix; V of its B is split as that of `output_dv`.

    Returns:
        float32[B, T] log-probabilities of the targets and float32[B, T] log-sum-exp of the logits, both 0 where the
        weight is.
    """
    outputs: _Outputs = (varying(output_dv, states_btd),)
    if low is not None:
        # x W + (x A) B is one product, of the states beside x A with W above B.
        assert frozen
        states_btd = jnp.concatenate([states_btd, low.states_btr], -1)
        outputs = (*outputs, varying(low.b_rv, states_btd))
    batch, time, width = states_btd.shape
    logps, log_z = _linear_cross_entropy(
        states_btd.reshape(-1, width),
        outputs,
        targets_bt.reshape(-1),
        weights_bt.reshape(-1),
        axis,
        frozen,
        sizes,
    )
    return logps.reshape(batch, time), log_z.reshape(batch, time)


def block_counts(count: jax.Array | int, tokens: int, sizes: BlockSizes = SIZES) -> list[tuple[int, jax.Array | int]]:
    """Return the blocks that hold `count` of at most `tokens` tokens, in order: pairs of size and number."""
    tail = min(sizes.tail, tokens)
    block = min(sizes.block, tokens) // tail * tail
    if block == tail:
        return [(tail, -(-count // tail))]
    return [(block, count // block), (tail, -(-(count % block) // tail))]


def slice_counts(vocabulary: int, sizes: BlockSizes = SIZES) -> tuple[int, int]:
    """Return size and number of the slices of a vocabulary; the last begins early, so that all have this size."""
    number = -(-vocabulary // sizes.columns)
    size = min(vocabulary, math.ceil(vocabulary / number / sizes.alignment) * sizes.alignment)
    return size, -(-vocabulary // size)


class _Compact(NamedTuple):
    """Tokens of non-zero weight, moved to the front in their order."""

    token: jax.Array
    """Token in each row, int32[rows]; one past the last token in a row without one."""
    row: jax.Array
    """Row of each token, int32[N]; one past the last row for a token of weight zero."""
    number: jax.Array
    """Number of tokens of non-zero weight, int32[]."""


def _compact(weights_n: jax.Array, sizes: BlockSizes) -> _Compact:
    tokens = weights_n.size
    tail = min(sizes.tail, tokens)
    rows = -(-tokens // tail) * tail
    counts = weights_n != 0
    ends = jnp.cumsum(counts, dtype=jnp.int32)
    row = jnp.where(counts, ends - 1, rows)
    token = jnp.full_like(row, tokens, shape=(rows,)).at[row].set(jnp.arange(tokens, dtype=jnp.int32), mode="drop")
    return _Compact(token, row, ends[-1])


def _take(x: jax.Array, index: jax.Array) -> jax.Array:
    """Return rows of x; zeros past its end."""
    return x.at[index].get(mode="fill", fill_value=0)


def _over_blocks[C](compact: _Compact, sizes: BlockSizes, carry: C, body: Callable[[jax.Array, jax.Array, C], C]) -> C:
    """Pass the carry through all blocks that hold tokens.

    `body` takes the first row of a block, the token in each of its rows, and the carry.
    """
    # A shape must be known when the program is compiled, the number of tokens is known only when it runs. So there are
    # two loops of fixed block sizes, and only how often they run depends on the weights: large blocks first, then small
    # ones for the rest.
    first: jax.Array | int = 0
    for size, number in block_counts(compact.number, compact.row.size, sizes):

        def step(i: jax.Array, carry: C, first: jax.Array | int = first, size: int = size) -> C:
            row = first + i * size
            return body(row, jax.lax.dynamic_slice_in_dim(compact.token, row, size), carry)

        carry = jax.lax.fori_loop(0, number, step, carry)
        first += size * number
    return carry


class _Slice(NamedTuple):
    """A slice of the vocabulary."""

    start: jax.Array
    """First column of the output matrix in the slice."""
    columns_dv: jax.Array
    """Columns of the output matrix, in the type of the states."""
    overlap: jax.Array
    """Number of columns, the first of the slice, that the slice before has too."""

    def logits(self, states_nd: jax.Array) -> jax.Array:
        """Return float32[N, size], minus infinity in those of the overlap."""
        logits_nv = _product(states_nd, self.columns_dv, (1, 0))
        return jnp.where(jnp.arange(logits_nv.shape[1]) < self.overlap, -jnp.inf, logits_nv)


def _slice(outputs: _Outputs, i: jax.Array, dtype: jnp.dtype, sizes: BlockSizes) -> _Slice:
    vocabulary = outputs[0].shape[1]
    size, _ = slice_counts(vocabulary, sizes)
    start = jnp.minimum(i * size, vocabulary - size)
    parts = [jax.lax.dynamic_slice_in_dim(part, start, size, axis=1).astype(dtype) for part in outputs]
    return _Slice(start, parts[0] if len(parts) == 1 else jnp.concatenate(parts), i * size - start)


def _product(a: jax.Array, b: jax.Array, dims: tuple[int, int]) -> jax.Array:
    """Multiply two matrices over one dim of each, summed in float32."""
    return jax.lax.dot_general(a, b, (((dims[0],), (dims[1],)), ((), ())), preferred_element_type=jnp.float32)


def _add_rows(x: jax.Array, rows: jax.Array, first: jax.Array) -> jax.Array:
    sums = jax.lax.dynamic_slice_in_dim(x, first, rows.shape[0]) + rows
    return jax.lax.dynamic_update_slice_in_dim(x, sums, first, axis=0)


@functools.partial(jax.custom_vjp, nondiff_argnums=(4, 5, 6))
def _linear_cross_entropy(
    states_nd: jax.Array,
    outputs: _Outputs,
    targets_n: jax.Array,
    weights_n: jax.Array,
    axis: str | None,
    frozen: bool,
    sizes: BlockSizes,
) -> tuple[jax.Array, jax.Array]:
    return _forward(states_nd, outputs, targets_n, weights_n, axis, frozen, sizes)[0]


type _Gradients = tuple[jax.Array, jax.Array | None]
"""Gradient of the states, and of what is trained of the output matrix or its adapter, if anything is."""

type _Residuals = tuple[jax.Array, _Outputs, jax.Array, jax.Array, _Compact]


def _forward(
    states_nd: jax.Array,
    outputs: _Outputs,
    targets_n: jax.Array,
    weights_n: jax.Array,
    axis: str | None,
    _frozen: bool,
    sizes: BlockSizes,
) -> tuple[tuple[jax.Array, jax.Array], _Residuals]:
    compact = _compact(weights_n, sizes)
    vocabulary = outputs[0].shape[1]
    targets_n = _local_targets(targets_n, vocabulary, axis)

    # Slices outside, blocks inside: a slice is converted to the type of the states once. Each slice adds its columns to
    # the running log-sum-exp of every token (logaddexp), and exactly one slice contains the token's target and adds its
    # logit to zero.
    def over_slice(i: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        part = _slice(outputs, i, states_nd.dtype, sizes)

        def block(row: jax.Array, token: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            log_z, target = carry
            logits = part.logits(_take(states_nd, token))
            column = _take(targets_n, token) - part.start
            in_slice = (column >= part.overlap) & (column < logits.shape[1])
            logit = jnp.take_along_axis(logits, jnp.where(in_slice, column, 0)[:, None], axis=1)[:, 0]
            before = jax.lax.dynamic_slice_in_dim(log_z, row, token.size)
            after = jnp.logaddexp(before, jax.nn.logsumexp(logits, axis=1))
            log_z = jax.lax.dynamic_update_slice_in_dim(log_z, after, row, axis=0)
            return log_z, _add_rows(target, jnp.where(in_slice, logit, 0), row)

        return _over_blocks(compact, sizes, carry, block)

    zeros = varying(jnp.zeros(compact.token.shape, jnp.float32), states_nd, outputs[0])
    _, slices = slice_counts(vocabulary, sizes)
    log_z, target = jax.lax.fori_loop(0, slices, over_slice, (zeros - jnp.inf, zeros))
    if axis is not None:  # every device has the sum over its own columns, and one of them has the target
        largest = jax.lax.pmax(log_z, axis)
        log_z = largest + jnp.log(jax.lax.psum(jnp.exp(log_z - largest), axis))
        target = jax.lax.psum(target, axis)
    log_z_n = _take(log_z, compact.row)
    return (_take(target, compact.row) - log_z_n, log_z_n), (states_nd, outputs, targets_n, log_z_n, compact)


def _backward(
    axis: str | None, frozen: bool, sizes: BlockSizes, residuals: _Residuals, gradients: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, tuple[jax.Array | None, ...], None, None]:
    """Return the gradients of states and output matrix, or of the B of its adapter."""
    # With p = softmax(logits), d log p(target) / d logits = onehot - p and d log Z / d logits = p. With the
    # gradients g of the log-probability and h of log Z, a token's logits have the gradient g onehot + (h - g) p, where
    # p = exp(logits - log Z) needs no other slice, because log Z is saved. The loops are those of the forward pass, and
    # each pair of a slice and a block computes its logits again, turns them into this gradient, and multiplies twice:
    # by the slice for the states, by the states for the slice. The gradient of the states is summed over slices, in the
    # rows of the compact order; that of a slice is summed over blocks in float32 and then written where the slice is.
    # The overlap of the last slice adds nothing: its p is exp(-inf) and its onehot is masked. So the columns of the
    # slice before, read back as `before`, are kept.
    states_nd, outputs, targets_n, log_z_n, compact = residuals
    target_gradient_n, softmax_gradient_n = gradients[0], gradients[1] - gradients[0]
    size, slices = slice_counts(outputs[0].shape[1], sizes)
    # Only the last of `outputs` is trained, if it is the adapter's or not frozen.
    trained = outputs[-1] if len(outputs) > 1 or not frozen else None
    first_trained = outputs[0].shape[0] if frozen else 0

    def over_slice(i: jax.Array, carry: _Gradients) -> _Gradients:
        states_gradient, output_gradient = carry
        part = _slice(outputs, i, states_nd.dtype, sizes)

        def block(row: jax.Array, token: jax.Array, carry: _Gradients) -> _Gradients:
            states_gradient, slice_gradient = carry
            states = _take(states_nd, token)
            logits = part.logits(states)
            target, log_z, target_gradient, softmax_gradient = (
                _take(x, token)[:, None] for x in (targets_n, log_z_n, target_gradient_n, softmax_gradient_n)
            )
            index = jnp.arange(size)
            onehot = (index == target - part.start) & (index >= part.overlap)
            logits_gradient = (
                jnp.exp(logits - log_z) * softmax_gradient + jnp.where(onehot, target_gradient, 0)
            ).astype(states.dtype)
            states_gradient = _add_rows(states_gradient, _product(logits_gradient, part.columns_dv, (1, 1)), row)
            if slice_gradient is not None:
                slice_gradient += _product(states[:, first_trained:], logits_gradient, (0, 0))
            return states_gradient, slice_gradient

        before = None
        if output_gradient is not None:
            before = jax.lax.dynamic_slice_in_dim(output_gradient, part.start, size, axis=1).astype(jnp.float32)
        states_gradient, after = _over_blocks(compact, sizes, (states_gradient, before), block)
        if output_gradient is not None and after is not None:
            output_gradient = jax.lax.dynamic_update_slice_in_dim(
                output_gradient, after.astype(output_gradient.dtype), part.start, axis=1
            )
        return states_gradient, output_gradient

    states_gradient = varying(jnp.zeros((compact.token.size, states_nd.shape[1]), jnp.float32), states_nd, outputs[0])
    # The output matrix was marked as varying over the mesh, so JAX sums its gradient over the other devices.
    output_gradient = None if trained is None else jnp.zeros_like(trained)
    states_gradient, output_gradient = jax.lax.fori_loop(0, slices, over_slice, (states_gradient, output_gradient))
    states_gradient = _take(states_gradient, compact.row).astype(states_nd.dtype)
    output_gradients = (*(None,) * (len(outputs) - 1), output_gradient)
    return states_gradient if axis is None else jax.lax.psum(states_gradient, axis), output_gradients, None, None


_linear_cross_entropy.defvjp(_forward, _backward)


def _local_targets(targets_n: jax.Array, columns: int, axis: str | None) -> jax.Array:
    """Return targets as columns of this device's output matrix; those of other devices are out of its range."""
    return targets_n if axis is None else targets_n - jax.lax.axis_index(axis) * columns
