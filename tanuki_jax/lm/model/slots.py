"""Rows for experts: tokens copied into a buffer that is sorted by expert, and brought back from it.

Both ways are gathers, and each is the other's gradient; XLA would make scatters with atomic additions of the gradients.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Slots(NamedTuple):
    """Which rows of a buffer [S, D] hold which choices. N tokens have k choices each; choice c is that of token c // k. All int32."""

    choices_s: jax.Array
    """Choice of each row; N k where the row is empty."""
    places_nk: jax.Array
    """Row of each choice; S where it has none."""
    sizes_e: jax.Array
    """Rows of each expert."""


def assign(experts_nk: jax.Array, experts: int, *, segments: int, rows: int) -> Slots:
    """Rows for the choices of N tokens, sorted by expert and inside an expert by token.

    Args:
        experts_nk: int32[N, k], the expert of each choice; those outside 0 .. experts - 1 get no row.
        experts: E.
        segments: parts of the buffer; each holds as many experts, one after another from its beginning. Divides E.
        rows: of one segment; choices that it has no room for get no row.
    """
    wanted = experts_nk.reshape(-1)
    count, of_segment = wanted.size, experts // segments
    wanted = jnp.where((wanted >= 0) & (wanted < experts), wanted, experts)
    order = jnp.argsort(wanted, stable=True).astype(jnp.int32)
    sizes_ps = (wanted[:, None] == jnp.arange(experts)).sum(0, dtype=jnp.int32).reshape(segments, of_segment)
    begin_p = jnp.cumsum(sizes_ps.sum(1)) - sizes_ps.sum(1)
    segment = jnp.minimum(wanted[order] // of_segment, segments)
    rank = jnp.arange(count) - jnp.append(begin_p, 0)[segment]
    place = jnp.where((segment < segments) & (rank < rows), segment * rows + rank, segments * rows).astype(jnp.int32)
    choices_s = jnp.full(segments * rows, count, jnp.int32).at[place].set(order, mode="drop")
    places_nk = jnp.zeros(count, jnp.int32).at[order].set(place, unique_indices=True).reshape(experts_nk.shape)
    ends_ps = jnp.minimum(jnp.cumsum(sizes_ps, 1), rows)
    return Slots(choices_s, places_nk, jnp.diff(ends_ps, axis=1, prepend=0).reshape(-1))


@jax.custom_vjp
def spread(x_nd: jax.Array, slots: Slots) -> jax.Array:
    """[S, D]: the token of each row; 0 in empty ones."""
    return _take(x_nd, slots.choices_s // slots.places_nk.shape[1])


@jax.custom_vjp
def collect(rows_sd: jax.Array, weights_nk: jax.Array, slots: Slots) -> jax.Array:
    """[N, D] in the type of the rows, summed in float32: the rows of each token's choices, times float32[N, k]."""
    rows_nkd = _take(rows_sd, slots.places_nk).astype(jnp.float32)
    return (rows_nkd * weights_nk[..., None]).sum(1).astype(rows_sd.dtype)


def _take(x: jax.Array, index: jax.Array) -> jax.Array:
    return jnp.take(x, index, axis=0, mode="fill", fill_value=0)


def _spread_forward(x_nd: jax.Array, slots: Slots) -> tuple[jax.Array, Slots]:
    return spread(x_nd, slots), slots


def _spread_backward(slots: Slots, g_sd: jax.Array) -> tuple[jax.Array, None]:
    return collect(g_sd, jnp.ones(slots.places_nk.shape, jnp.float32), slots), None


def _collect_forward(
    rows_sd: jax.Array, weights_nk: jax.Array, slots: Slots
) -> tuple[jax.Array, tuple[jax.Array, jax.Array, Slots]]:
    return collect(rows_sd, weights_nk, slots), (rows_sd, weights_nk, slots)


def _collect_backward(kept: tuple[jax.Array, jax.Array, Slots], g_nd: jax.Array) -> tuple[jax.Array, jax.Array, None]:
    rows_sd, weights_nk, slots = kept
    weights_s = _take(weights_nk.reshape(-1), slots.choices_s)
    rows_gradient = (spread(g_nd, slots) * weights_s[:, None]).astype(rows_sd.dtype)
    weights_gradient = (_take(rows_sd, slots.places_nk).astype(jnp.float32) * g_nd[:, None]).sum(2)
    return rows_gradient, weights_gradient, None


spread.defvjp(_spread_forward, _spread_backward)
collect.defvjp(_collect_forward, _collect_backward)
