"""XLA's ragged all-to-all over `expert`: rows sorted by expert go to their experts and back, in parts of their own size."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.varying import varying


class Route(NamedTuple):
    """What one device sends and receives: parts of rows, one for each expert of each device. int32[P E'] but for the last."""

    send_from: jax.Array
    """First row of each part here."""
    send_sizes: jax.Array
    """Its rows."""
    send_to: jax.Array
    """Its first row where it arrives."""
    receive_sizes: jax.Array
    """Rows of the part of each device for each expert here."""
    receive_at: jax.Array
    """First row of that part here."""
    received_from: jax.Array
    """Its first row where it came from."""
    sizes_e: jax.Array
    """[E']: all rows for each of this device's experts."""


def route(counts_pe: jax.Array, rank: jax.Array, own: int) -> Route:
    """The way to the experts, where rows of all devices for one expert follow each other.

    Args:
        counts_pe: int32[P, E], the rows of each device for each expert.
        rank: of this device.
        own: experts of a device, E' = E / P.
    """
    ranks = len(counts_pe)
    starts_pe = jnp.cumsum(counts_pe, 1) - counts_pe
    by_owner_qep = counts_pe.reshape(ranks, ranks, own).transpose(1, 2, 0)
    ends_q = jnp.cumsum(by_owner_qep.reshape(ranks, -1), 1).reshape(by_owner_qep.shape)
    arrival_qep = ends_q - by_owner_qep
    here_ep = by_owner_qep[rank]
    return Route(
        send_from=starts_pe[rank],
        send_sizes=counts_pe[rank],
        send_to=arrival_qep[:, :, rank].reshape(-1),
        receive_sizes=here_ep.T.reshape(-1),
        receive_at=arrival_qep[rank].T.reshape(-1),
        received_from=starts_pe.reshape(ranks, ranks, own)[:, rank].reshape(-1),
        sizes_e=here_ep.sum(1),
    )


def back(there: Route) -> Route:
    """The way of the results, from the experts to where the rows came from."""
    return Route(
        send_from=there.receive_at,
        send_sizes=there.receive_sizes,
        send_to=there.received_from,
        receive_sizes=there.send_sizes,
        receive_at=there.send_from,
        received_from=there.send_to,
        sizes_e=there.sizes_e,
    )


def exchange(rows_sd: jax.Array, way: Route, rows: int) -> jax.Array:
    """[rows, D]: what arrives; 0 where nothing does. Its gradient goes the way back."""
    return _exchange(rows, len(rows_sd), rows_sd, way)


def _send(rows: int, sent: int, rows_sd: jax.Array, way: Route) -> jax.Array:
    empty = varying(jnp.zeros((rows, rows_sd.shape[1]), rows_sd.dtype), rows_sd)
    return jax.lax.ragged_all_to_all(
        rows_sd, empty, way.send_from, way.send_sizes, way.send_to, way.receive_sizes, axis_name="expert"
    )


_exchange = jax.custom_vjp(_send, nondiff_argnums=(0, 1))


def _forward(rows: int, sent: int, rows_sd: jax.Array, way: Route) -> tuple[jax.Array, Route]:
    return _exchange(rows, sent, rows_sd, way), way


def _backward(rows: int, sent: int, way: Route, g_sd: jax.Array) -> tuple[jax.Array, None]:
    return _send(sent, rows, g_sd, back(way)), None


_exchange.defvjp(_forward, _backward)
