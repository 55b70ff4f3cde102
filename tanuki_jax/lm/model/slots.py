"""Buffers of rows for experts: tokens are copied into a buffer sorted by expert, and their results collected from it.

Both directions are gathers, and each is the gradient of the other; XLA alone would turn gradients into scatters with
atomic additions.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Slots(NamedTuple):
    """Assignment of choices to the rows of a buffer [S, D]. N tokens have k choices each; token c // k made choice c.
    All int32."""

    choices_s: jax.Array
    """Choice of each row; N k where the row is empty."""
    rows_nk: jax.Array
    """Row of each choice; S where it has none."""
    sizes_e: jax.Array
    """Rows of each expert."""


def assign(experts_nk: jax.Array, experts: int, *, segments: int, rows: int) -> Slots:
    """Assign rows to the choices of N tokens, sorted by expert and inside an expert by token.

    Args:
        experts_nk: int32[N, k], the expert of each choice; those outside 0 .. experts - 1 get no row.
        experts: E.
        segments: equal parts of the buffer, each for E / segments experts, packed from its beginning.
        rows: number of rows of a segment; choices beyond it get no row.
    """
    wanted = experts_nk.reshape(-1)
    count, per_segment = wanted.size, experts // segments
    wanted = jnp.where((wanted >= 0) & (wanted < experts), wanted, experts)
    # Sort the choices by expert; a choice's row is its rank among those of its segment.
    order = jnp.argsort(wanted, stable=True).astype(jnp.int32)
    sizes_ps = (wanted[:, None] == jnp.arange(experts)).sum(0, dtype=jnp.int32).reshape(segments, per_segment)
    begin_p = jnp.cumsum(sizes_ps.sum(1)) - sizes_ps.sum(1)
    segment = jnp.minimum(wanted[order] // per_segment, segments)
    rank = jnp.arange(count) - jnp.append(begin_p, 0)[segment]
    fits = (segment < segments) & (rank < rows)
    row = jnp.where(fits, segment * rows + rank, segments * rows).astype(jnp.int32)
    # Both maps, row -> choice and choice -> row, so that either direction is a gather.
    choices_s = jnp.full(segments * rows, count, jnp.int32).at[row].set(order, mode="drop")
    rows_nk = jnp.zeros(count, jnp.int32).at[order].set(row, unique_indices=True).reshape(experts_nk.shape)
    ends_ps = jnp.minimum(jnp.cumsum(sizes_ps, 1), rows)
    return Slots(choices_s, rows_nk, jnp.diff(ends_ps, axis=1, prepend=0).reshape(-1))


@jax.custom_vjp
def scatter_tokens(x_nd: jax.Array, slots: Slots) -> jax.Array:
    """Copy tokens [N, D] into their rows: [S, D], 0 in empty rows."""
    return _take(x_nd, slots.choices_s // slots.rows_nk.shape[1])


@jax.custom_vjp
def collect(rows_sd: jax.Array, weights_nk: jax.Array, slots: Slots) -> jax.Array:
    """Return the weighted sums of the rows of each token's choices: [N, D] in the type of the rows, summed in
    float32."""
    rows_nkd = _take(rows_sd, slots.rows_nk).astype(jnp.float32)
    return (rows_nkd * weights_nk[..., None]).sum(1).astype(rows_sd.dtype)


def _take(x: jax.Array, index: jax.Array) -> jax.Array:
    return jnp.take(x, index, axis=0, mode="fill", fill_value=0)


def _scatter_forward(x_nd: jax.Array, slots: Slots) -> tuple[jax.Array, Slots]:
    return scatter_tokens(x_nd, slots), slots


def _scatter_backward(slots: Slots, g_sd: jax.Array) -> tuple[jax.Array, None]:
    return collect(g_sd, jnp.ones(slots.rows_nk.shape, jnp.float32), slots), None


def _collect_forward(
    rows_sd: jax.Array, weights_nk: jax.Array, slots: Slots
) -> tuple[jax.Array, tuple[jax.Array, jax.Array, Slots]]:
    return collect(rows_sd, weights_nk, slots), (rows_sd, weights_nk, slots)


def _collect_backward(kept: tuple[jax.Array, jax.Array, Slots], g_nd: jax.Array) -> tuple[jax.Array, jax.Array, None]:
    rows_sd, weights_nk, slots = kept
    weights_s = _take(weights_nk.reshape(-1), slots.choices_s)
    rows_gradient = (scatter_tokens(g_nd, slots) * weights_s[:, None]).astype(rows_sd.dtype)
    weights_gradient = (_take(rows_sd, slots.rows_nk).astype(jnp.float32) * g_nd[:, None]).sum(2)
    return rows_gradient, weights_gradient, None


scatter_tokens.defvjp(_scatter_forward, _scatter_backward)
collect.defvjp(_collect_forward, _collect_backward)
