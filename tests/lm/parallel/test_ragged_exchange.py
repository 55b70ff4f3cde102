"""Exchange of parts of unequal sizes, and the layer with XLA's ragged all-to-all written from its definition."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tanuki_jax.config.experiment import Layout, Router
from tanuki_jax.lm.parallel import dispatch, ragged_exchange
from tests.lm.parallel.test_dispatch import (
    MODEL,
    arrays,
    assert_close,
    mesh_of,
    named,
    on_one_device,
    results,
    routings,
)

pytestmark = pytest.mark.thorough

RANKS, OWN = 3, 2
COUNTS = hnp.arrays(np.int32, (RANKS, RANKS * OWN), elements=st.integers(0, 4))


def definition(
    operand: jax.Array,
    output: jax.Array,
    input_offsets: jax.Array,
    send_sizes: jax.Array,
    output_offsets: jax.Array,
    recv_sizes: jax.Array,
    *,
    axis_name: str,
) -> jax.Array:
    """Return `jax.lax.ragged_all_to_all`, which CPUs lack, by gathering everything; parts of wrong sizes are NaN."""
    rank, ranks = jax.lax.axis_index(axis_name), jax.lax.axis_size(axis_name)

    def for_me(each: jax.Array) -> jax.Array:
        return jax.lax.all_gather(each, axis_name).reshape(ranks, ranks, -1)[:, rank].reshape(-1)

    begin_p, size_p, place_p = (for_me(each) for each in (input_offsets, send_sizes, output_offsets))
    operands = jax.lax.all_gather(operand, axis_name)
    sender_p = jnp.repeat(jnp.arange(ranks), len(send_sizes) // ranks)
    row_sp = jnp.arange(len(output))[:, None] - place_p
    mine_sp = (row_sp >= 0) & (row_sp < size_p)
    part_s = mine_sp.argmax(1)
    arrived = operands[sender_p[part_s], row_sp[jnp.arange(len(output)), part_s] + begin_p[part_s]]
    sound = (size_p == recv_sizes).all() & (mine_sp.sum(1) <= 1).all() & (place_p + size_p <= len(output)).all()
    return jnp.where(sound, jnp.where(mine_sp.any(1)[:, None], arrived, output), jnp.nan)


@functools.cache
def sent(ranks: int) -> Any:
    mesh = jax.make_mesh((ranks,), ("expert",), axis_types=(jax.sharding.AxisType.Auto,), devices=jax.devices()[:ranks])
    spread = functools.partial(jax.shard_map, mesh=mesh, in_specs=jax.P("expert"), out_specs=jax.P("expert"))
    return jax.jit(spread(functools.partial(definition, axis_name="expert")))


def test_the_definition_gives_what_jax_documents() -> None:
    """The example in the documentation of `jax.lax.ragged_all_to_all`."""
    operand, output = np.array([1, 2, 2, 3, 4, 0], np.float32)[:, None], np.zeros((8, 1), np.float32)
    offsets = [np.array(pairs, np.int32) for pairs in ([0, 1, 0, 1], [1, 2, 1, 1], [0, 0, 1, 2], [1, 1, 2, 1])]
    assert sent(2)(operand, output, *offsets).ravel().tolist() == [1, 3, 0, 0, 2, 2, 4, 0]
    offsets[3][0] = 2
    assert np.isnan(sent(2)(operand, output, *offsets)).any()


@functools.partial(jax.jit, static_argnums=1)
def routes(counts_pe: jax.Array, own: int) -> list[ragged_exchange.Route]:
    return [ragged_exchange.route(counts_pe, jnp.int32(rank), own) for rank in range(len(counts_pe))]


def carried(buffers: list[list[Any]], ways: list[ragged_exchange.Route], rows: int) -> list[list[Any]]:
    """Return the buffer of each device after all have sent their parts, `None` where nothing arrived."""
    arrived: list[list[Any]] = [[None] * rows for _ in ways]
    for rank, way in enumerate(ways):
        for part, (begin, size, place) in enumerate(zip(way.send_from, way.send_sizes, way.send_to, strict=True)):
            receiver, own = part // OWN, rank * OWN + part % OWN
            assert ways[receiver].receive_sizes[own] == size
            for row in range(size):
                assert arrived[receiver][place + row] is None
                arrived[receiver][place + row] = buffers[rank][begin + row]
    return arrived


@given(counts_pe=COUNTS)
def test_parts_arrive_sorted_and_return_to_their_places(
    counts_pe: npt.NDArray[np.int32],
) -> None:
    there = jax.tree.map(np.asarray, routes(counts_pe, OWN))
    buffers = [
        [(expert, rank, row) for expert, size in enumerate(sizes) for row in range(size)]
        for rank, sizes in enumerate(counts_pe)
    ]
    rows = max(int(counts_pe.sum()), 1)
    at_experts = carried(buffers, there, rows)
    for rank, buffer in enumerate(at_experts):
        expected = sorted(row for source in buffers for row in source if row[0] // OWN == rank)
        assert buffer == [*expected, *[None] * (rows - len(expected))]
        assert there[rank].sizes_e.tolist() == counts_pe[:, rank * OWN : (rank + 1) * OWN].sum(0).tolist()
    returned = carried(at_experts, [ragged_exchange.reversed_route(way) for way in there], rows)
    assert [buffer[: len(was)] for buffer, was in zip(returned, buffers, strict=True)] == buffers


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(Layout(data=1, expert=2, fsdp=2, tensor=2), marks=pytest.mark.long),
        Layout(data=1, expert=4, fsdp=2),
        pytest.param(Layout(data=1, expert=8), marks=pytest.mark.long),
    ],
    ids=named,
)
def test_the_ragged_exchange_has_the_values_and_gradients_of_one_device(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jax.lax, "ragged_all_to_all", definition)
    monkeypatch.setattr(dispatch, "choose_exchange", lambda *_: "ragged_all_to_all")
    placed = dispatch.make_dispatch(mesh_of(layout), dataclasses.replace(MODEL, vocabulary=10), layout, Router())
    for name, experts_btk in routings().items():
        assert_close(results(placed, experts_btk, *arrays()), on_one_device(name))
