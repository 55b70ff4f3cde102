"""XLA's ragged all-to-all over `expert`: rows sorted by expert are sent to their experts and returned, in parts of
their own size."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.varying import varying


class Route(NamedTuple):
    """Parts of rows that one device sends and receives, one for each expert of each device. int32[P E'], but for the
    last field."""

    send_from: jax.Array
    """First row of each part on this device."""
    send_sizes: jax.Array
    """Number of its rows."""
    send_to: jax.Array
    """Its first row on the receiving device."""
    receive_sizes: jax.Array
    """Number of rows of the part of each device for each local expert."""
    receive_at: jax.Array
    """First row of that part on this device."""
    received_from: jax.Array
    """Its first row on the sending device."""
    sizes_e: jax.Array
    """[E'], number of all rows for each of this device's experts."""


def route(counts_pe: jax.Array, rank: jax.Array, local: int) -> Route:
    """Return the route to the experts, where rows of all devices for one expert follow each other.

    Args:
        counts_pe: int32[P, E], number of rows of each device for each expert.
        rank: number of this device.
        local: experts of a device, E' = E / P.
    """
    ranks = len(counts_pe)
    # On the sender, parts follow each other by expert. On the receiver q, they are sorted by its expert e and then by
    # sender p: the part of p begins where all parts for earlier experts, and those of earlier senders for e, end.
    starts_pe = jnp.cumsum(counts_pe, 1) - counts_pe
    by_owner_qep = counts_pe.reshape(ranks, ranks, local).transpose(1, 2, 0)
    ends_q = jnp.cumsum(by_owner_qep.reshape(ranks, -1), 1).reshape(by_owner_qep.shape)
    arrival_qep = ends_q - by_owner_qep
    received_ep = by_owner_qep[rank]
    return Route(
        send_from=starts_pe[rank],
        send_sizes=counts_pe[rank],
        send_to=arrival_qep[:, :, rank].reshape(-1),
        receive_sizes=received_ep.T.reshape(-1),
        receive_at=arrival_qep[rank].T.reshape(-1),
        received_from=starts_pe.reshape(ranks, ranks, local)[:, rank].reshape(-1),
        sizes_e=received_ep.sum(1),
    )


def reversed_route(route: Route) -> Route:
    """Return the route of the results, from the experts to the devices that sent the rows."""
    return Route(
        send_from=route.receive_at,
        send_sizes=route.receive_sizes,
        send_to=route.received_from,
        receive_sizes=route.send_sizes,
        receive_at=route.send_from,
        received_from=route.send_to,
        sizes_e=route.sizes_e,
    )


def exchange(rows_sd: jax.Array, route: Route, rows: int) -> jax.Array:
    """Return what arrives, [rows, D], 0 in rows that nothing fills. Its gradient takes the reversed route."""
    return _exchange(rows, len(rows_sd), rows_sd, route)


def _send(rows: int, sent: int, rows_sd: jax.Array, route: Route) -> jax.Array:
    empty = varying(jnp.zeros((rows, rows_sd.shape[1]), rows_sd.dtype), rows_sd)
    return jax.lax.ragged_all_to_all(
        rows_sd, empty, route.send_from, route.send_sizes, route.send_to, route.receive_sizes, axis_name="expert"
    )


_exchange = jax.custom_vjp(_send, nondiff_argnums=(0, 1))


def _forward(rows: int, sent: int, rows_sd: jax.Array, route: Route) -> tuple[jax.Array, Route]:
    return _exchange(rows, sent, rows_sd, route), route


def _backward(rows: int, sent: int, route: Route, g_sd: jax.Array) -> tuple[jax.Array, None]:
    return _send(sent, rows, g_sd, reversed_route(route)), None


_exchange.defvjp(_forward, _backward)
