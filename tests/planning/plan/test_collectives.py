"""Bytes of collectives against sums by hand, in programs for CPUs and GPUs."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.planning.plan import hlo
from tanuki_jax.planning.plan.collectives import Collective, axes_of, collectives, groups_of, seconds, traffic
from tanuki_jax.planning.plan.plan_results import Traffic
from tanuki_jax.planning.plan.target import parse

SIDE = 1024


def program_traffic(text: str) -> tuple[tuple[Traffic, ...], jax.sharding.Mesh]:
    """Return the traffic of a program with a collective of each kind, in a loop of three, on two nodes of four."""
    target = parse(text)
    devices = target.devices()
    mesh = jax.make_mesh((2, 4), ("data", "fsdp"), axis_types=(AxisType.Auto,) * 2, devices=devices)

    def body(x: jax.Array, _: None) -> tuple[jax.Array, None]:
        gathered = jnp.sin(jax.lax.all_gather(x, "fsdp", axis=0, tiled=True))
        part = jnp.sin(jax.lax.psum_scatter(gathered * gathered, "fsdp", scatter_dimension=0, tiled=True))
        summed = jnp.sin(jax.lax.psum(part, "data"))
        exchanged = jnp.sin(jax.lax.all_to_all(summed, ("data", "fsdp"), 1, 1, tiled=True))
        return jax.lax.ppermute(exchanged, "fsdp", [(0, 1), (1, 2), (2, 3), (3, 0)]), None

    def local(x: jax.Array) -> jax.Array:
        return jax.lax.scan(body, x, None, length=3)[0]

    spec = P("fsdp", None)
    placed: Any = jax.shard_map(local, mesh=mesh, in_specs=spec, out_specs=P("fsdp", None), check_vma=False)
    shape = jax.ShapeDtypeStruct((SIDE, SIDE), jnp.float32, sharding=NamedSharding(mesh, spec))
    program = hlo.parse(jax.jit(placed).lower(shape).compile().as_text() or "")
    return traffic(collectives(program), mesh, devices, target), mesh


def assert_traffic(traffic: tuple[Traffic, ...]) -> None:
    part = SIDE * SIDE * 4 // 4  # a device's quarter, in bytes
    sent = {(each.kind, each.axes, each.between_nodes): (each.count, each.sent_bytes) for each in traffic}
    assert sent == {
        ("all-gather", ("fsdp",), False): (3, 3 * part * 3),
        ("reduce-scatter", ("fsdp",), False): (3, 3 * 4 * part * 3 // 4),
        ("all-reduce", ("data",), True): (3, 3 * 2 * part // 2),
        ("all-to-all", ("data", "fsdp"), True): (3, 3 * part * 7 // 8),
        ("collective-permute", ("fsdp",), False): (3, 3 * part),
    }


def test_every_kind_sends_the_bytes_of_a_ring_in_every_iteration() -> None:
    assert_traffic(program_traffic("cpu:2x4")[0])


@pytest.mark.gpu_compile
def test_programs_for_gpus_have_the_same_traffic() -> None:
    assert_traffic(program_traffic("h100:2x4")[0])


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("replica_groups={{0,1},{2,3}}, use_global_device_ids=true", ((0, 1), (2, 3))),
        ("replica_groups=[2,4]<=[8], dimensions={0}", ((0, 1, 2, 3), (4, 5, 6, 7))),
        ("replica_groups=[4,2]<=[2,4]T(1,0), dimensions={0}", ((0, 4), (1, 5), (2, 6), (3, 7))),
        ("replica_groups=mesh['data'=2,'fsdp'=4] {'fsdp'}, x", ((0, 1, 2, 3), (4, 5, 6, 7))),
        ("replica_groups=mesh['data'=2,'fsdp'=4] {'data'}, x", ((0, 4), (1, 5), (2, 6), (3, 7))),
        ("replica_groups=mesh['a'=2,'b'=2,'c'=2] {'a','c'}, x", ((0, 1, 4, 5), (2, 3, 6, 7))),
        ("replica_groups=mesh['a'=8] {'a':(2)2}, x", ((0, 2), (1, 3), (4, 6), (5, 7))),
        ("source_target_pairs={{0,1},{1,0},{2,2}}, x", ((0, 1), (1, 0))),
        ("replica_groups={{0},{1}}, x", ()),
        ("replica_groups=mesh['stage'=1,'data'=4] {'stage'}, x", ()),
    ],
)
def test_groups_are_read_in_every_form(text: str, groups: tuple[tuple[int, ...], ...]) -> None:
    assert groups_of(f", channel_id=1, {text}") == groups


def test_axes_are_those_along_which_a_group_differs() -> None:
    _, mesh = program_traffic("cpu:2x4")
    assert axes_of((0, 1, 2, 3), mesh) == ("fsdp",)
    assert axes_of((1, 5), mesh) == ("data",)
    assert axes_of(range(8), mesh) == ("data", "fsdp")


def test_a_ring_over_nodes_uses_the_links_of_all_its_devices() -> None:
    target = parse("h100:2x8")
    link = target.hardware.link
    pair = Collective("all-gather", ((0, 8),), 10**9, 1)
    assert seconds(pair, 1, target) == pytest.approx(1e9 / link(between_nodes=True), rel=1e-2)
    all_devices = Collective("all-gather", (tuple(range(16)),), 10**9, 1)
    assert seconds(all_devices, 8, target) == pytest.approx(15e9 / (8 * link(between_nodes=True)), rel=1e-2)
    exchange = Collective("all-to-all", (tuple(range(16)),), 16 * 10**9, 1)
    assert seconds(exchange, 8, target) == pytest.approx(8e9 / link(between_nodes=True), rel=1e-2)
    within = Collective("all-reduce", (tuple(range(8)),), 8 * 10**9, 1)
    assert seconds(within, 8, target) == pytest.approx(14e9 / link(between_nodes=False), rel=1e-2)


def test_a_collective_leaves_the_node_if_any_group_does() -> None:
    """Three pairs in two nodes of three devices: one pair has a device in each node."""
    mesh = jax.make_mesh((1, 6), ("data", "fsdp"), axis_types=(AxisType.Auto,) * 2, devices=jax.devices()[:6])
    target = parse("cpu:2x3")
    (summed,) = traffic([Collective("all-reduce", ((0, 1), (2, 3), (4, 5)), 64, 1)], mesh, jax.devices()[:6], target)
    assert summed.between_nodes
