"""Programs of `bench compile`: every kernel that the configs use, in the shapes that are timed, and training steps."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.lm.kernels.attention.attention import self_attention
from tanuki_jax.lm.kernels.attention.hopper_attention import TILES
from tanuki_jax.lm.kernels.attention.hopper_block import BLOCK_ROWS
from tanuki_jax.lm.kernels.grouped_matmul.grouped_matmul import grouped_matmul as multiply
from tanuki_jax.planning.bench import attention, cross_entropy, document_rows, grouped_matmul, step_timing
from tanuki_jax.planning.bench.bench_results import direction
from tanuki_jax.planning.bench.document_rows import Lengths
from tanuki_jax.planning.bench.sizes import Sizes
from tanuki_jax.planning.bench.suites import experiment
from tanuki_jax.planning.plan.lowered_step import lower_step

GROUPS = (1, 4, 8)
"""Numbers of query heads for each key head."""


class Work(NamedTuple):
    """FLOPs of a run of a program on some data."""

    data: str
    useful: float
    """FLOPs as the benchmark counts them."""
    issued: float
    """FLOPs that the kernels execute: recomputation and the invisible parts of visited tiles included."""
    rows: float = 1.0
    """Rows of the data, as a multiple of the rows that the program is compiled for."""


class Program(NamedTuple):
    """A program to compile."""

    name: str
    lower: Callable[[Sequence[jax.Device]], Any]
    """Lowers the program for devices; a kernel uses the first one only."""
    work: tuple[Work, ...] = ()


def programs(sizes: Sizes) -> Iterator[Program]:
    """Yield all kernels, then a training step under every rematerialisation policy."""
    yield from _attention(sizes)
    yield from _cross_entropy(sizes)
    yield from _grouped_matmul(sizes)
    yield from _steps(sizes)


def _lower(
    run: Callable[..., Any], shapes: Sequence[tuple[tuple[int, ...], Any]], devices: Sequence[jax.Device]
) -> Any:
    mesh = Mesh(devices[:1], ("one",))
    return jax.jit(run).lower(
        *(jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh, P())) for shape, dtype in shapes)
    )


def _attention(sizes: Sizes) -> Iterator[Program]:
    rows, time, heads = sizes.tokens // sizes.times[0], sizes.times[0], sizes.model.heads
    ids = ((rows, time), jnp.int32)

    def lowers(
        attend: attention.Attend, dim: int, kv_heads: int, backward: bool
    ) -> Callable[[Sequence[jax.Device]], Any]:
        q, k = ((rows, time, heads, dim), jnp.bfloat16), ((rows, time, kv_heads, dim), jnp.bfloat16)
        return functools.partial(_lower, functools.partial(attention.run, attend, backward), [q, k, k, q, ids, ids])

    for dim in sizes.head_dims:
        for group in GROUPS:
            lower = lowers(functools.partial(self_attention, backend="hopper"), dim, heads // group, True)
            work = tuple(
                attention_work(data.name, data.lengths, heads, dim, len(data.lengths) / rows)
                for data in attention.all_rows(sizes, time)
            )
            yield Program(f"attention hopper, D {dim}, {group} query heads a key head, forward + backward", lower, work)
        for name, attend, backward in (
            ("cudnn", functools.partial(self_attention, backend="cudnn"), True),
            ("jax's attention_mgpu", attention.attention_mgpu_peer, False),
        ):
            lower = lowers(attend, dim, heads // GROUPS[1], backward)
            yield Program(f"attention {name}, D {dim}, {direction(backward)}", lower)


def attention_work(name: str, lengths: Lengths, heads: int, dim: int, rows: float) -> Work:
    """Count the FLOPs of our Hopper kernels forward and backward, over the tiles that each of them visits."""
    # (products, queries and keys of a tile). Forward: scores, output. dQ: scores, dP, dQ. dKdV: scores, dP, dV, dK.
    kernels = [(2, BLOCK_ROWS, TILES.forward.rows), (3, BLOCK_ROWS, TILES.dq.rows), (4, TILES.dkdv.rows, BLOCK_ROWS)]
    issued = sum(products * document_rows.tile_pairs(lengths, queries, keys) for products, queries, keys in kernels)
    return Work(name, 14 * document_rows.visible_pairs(lengths) * heads * dim, 2 * issued * heads * dim, rows)


def _cross_entropy(sizes: Sizes) -> Iterator[Program]:
    for case in cross_entropy.cases(sizes):
        if case.backward and case.counted == case.tokens:
            tokens = (case.rows, case.time)
            shapes: list[tuple[tuple[int, ...], Any]] = [
                ((*tokens, case.width), jnp.bfloat16),
                ((case.width, case.vocabulary), jnp.bfloat16),
                (tokens, jnp.int32),
                (tokens, jnp.float32),
            ]
            run = functools.partial(cross_entropy.run, cross_entropy.ours, True)
            # The backward pass computes the logits again: four products for three useful ones.
            work = (Work("", case.flops, case.flops * 4 / 3),)
            yield Program(f"cross-entropy, {case.name}", functools.partial(_lower, run, shapes), work)


def _grouped_matmul(sizes: Sizes) -> Iterator[Program]:
    for case in grouped_matmul.cases(sizes):
        if case.products == "all three" and case.load == "balanced":
            rows, experts = sum(case.group_sizes), len(case.group_sizes)
            shapes: list[tuple[tuple[int, ...], Any]] = [
                ((rows, case.width), jnp.bfloat16),
                ((experts, case.width, case.hidden), jnp.bfloat16),
                ((rows, case.hidden), jnp.bfloat16),
                ((experts,), jnp.int32),
            ]
            run = functools.partial(grouped_matmul.run, functools.partial(multiply, backend="hopper"), case.products)
            work = (Work("", case.flops, case.flops),)
            yield Program(f"grouped-matmul hopper, {case.name}", functools.partial(_lower, run, shapes), work)


def _steps(sizes: Sizes) -> Iterator[Program]:
    """Yield a step of the full model on a node, with one row on each device, under every policy."""
    for policy in step_timing.POLICIES:
        name = f"step, {sizes.model.layers} layers, a row of {sizes.times[0]} on each of eight devices, remat {policy}"
        yield Program(name, functools.partial(_lower_step, sizes, policy))


def _lower_step(sizes: Sizes, policy: str, devices: Sequence[jax.Device]) -> Any:
    full = experiment(sizes)
    data = dataclasses.replace(full.data, batch_rows=len(devices))
    changes: dict[str, Any] = {"data": 1, "fsdp": len(devices), "accumulation": 1, "remat": policy}
    layout = dataclasses.replace(full.layout, **changes)
    return lower_step(dataclasses.replace(full, data=data, layout=layout), devices)
