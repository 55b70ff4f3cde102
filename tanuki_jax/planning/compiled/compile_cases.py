"""What `bench compile` compiles: every kernel that the configs use, in the shapes that are timed, and whole steps."""

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
from tanuki_jax.planning.bench import attention, cross_entropy, grouped_matmul
from tanuki_jax.planning.bench import document_rows as documents
from tanuki_jax.planning.bench import step_timing as step
from tanuki_jax.planning.bench.document_rows import Lengths
from tanuki_jax.planning.bench.sizes import Sizes
from tanuki_jax.planning.bench.suites import experiment
from tanuki_jax.planning.plan.lowered_step import lower_step

GROUPS = (1, 4, 8)
"""Query heads of a key head."""


class Work(NamedTuple):
    """What a run of a program does on some data."""

    data: str
    useful: float
    """FLOPs, as the benchmark counts them."""
    issued: float
    """FLOPs that the kernels do: what is computed again, and whole tiles where a part is visible, included."""
    rows: float = 1.0
    """How many times the rows that the program was compiled for."""


class Program(NamedTuple):
    name: str
    lower: Callable[[Sequence[jax.Device]], Any]
    """Lowers the program for devices, of which it uses one unless it says otherwise."""
    work: tuple[Work, ...] = ()


def programs(sizes: Sizes) -> Iterator[Program]:
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

    def of(attend: attention.Attend, dim: int, kv_heads: int, backward: bool) -> Callable[[Sequence[jax.Device]], Any]:
        q, k = ((rows, time, heads, dim), jnp.bfloat16), ((rows, time, kv_heads, dim), jnp.bfloat16)
        return functools.partial(_lower, functools.partial(attention.run, attend, backward), [q, k, k, q, ids, ids])

    for dim in sizes.head_dims:
        for group in GROUPS:
            lower = of(functools.partial(self_attention, backend="hopper"), dim, heads // group, True)
            work = tuple(
                _attention_work(name, lengths, heads, dim, len(lengths) / rows)
                for name, lengths in attention.kinds(sizes, time).items()
            )
            yield Program(f"attention hopper, D {dim}, {group} query heads a key head, forward + backward", lower, work)
        for name, attend, backward in (
            ("cudnn", functools.partial(self_attention, backend="cudnn"), True),
            ("jax's attention_mgpu", attention.attention_mgpu_peer, False),
        ):
            passes = "forward + backward" if backward else "forward"
            yield Program(f"attention {name}, D {dim}, {passes}", of(attend, dim, heads // GROUPS[1], backward))


def _attention_work(name: str, lengths: Lengths, heads: int, dim: int, rows: float) -> Work:
    """Two products forward, three for the queries' gradient and four for the keys', each over the tiles that it meets."""
    met = [(2, BLOCK_ROWS, TILES.forward.rows), (3, BLOCK_ROWS, TILES.dq.rows), (4, TILES.dkdv.rows, BLOCK_ROWS)]
    issued = sum(products * documents.met_pairs(lengths, queries, keys) for products, queries, keys in met)
    return Work(name, 14 * documents.visible_pairs(lengths) * heads * dim, 2 * issued * heads * dim, rows)


def _cross_entropy(sizes: Sizes) -> Iterator[Program]:
    for case in cross_entropy.cases(sizes):
        if case.backward and case.counted == case.tokens:
            of_tokens = (case.rows, case.time)
            shapes: list[tuple[tuple[int, ...], Any]] = [
                ((*of_tokens, case.width), jnp.bfloat16),
                ((case.width, case.vocabulary), jnp.bfloat16),
                (of_tokens, jnp.int32),
                (of_tokens, jnp.float32),
            ]
            run = functools.partial(cross_entropy.run, cross_entropy.ours, True)
            # The backward pass computes the logits again.
            yield Program(
                f"cross-entropy, {case.name}",
                functools.partial(_lower, run, shapes),
                (Work("", case.flops, case.flops * 4 / 3),),
            )


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
            yield Program(
                f"grouped-matmul hopper, {case.name}",
                functools.partial(_lower, run, shapes),
                (Work("", case.flops, case.flops),),
            )


def _steps(sizes: Sizes) -> Iterator[Program]:
    """The whole model on a node, a row a device, under every policy."""
    for policy in step.POLICIES:
        name = f"step, {sizes.model.layers} layers, a row of {sizes.times[0]} on each of eight devices, remat {policy}"
        yield Program(name, functools.partial(_lower_step, sizes, policy))


def _lower_step(sizes: Sizes, policy: str, devices: Sequence[jax.Device]) -> Any:
    whole = experiment(sizes)
    data = dataclasses.replace(whole.data, batch_rows=len(devices))
    layout: Any = dataclasses.replace(whole.layout, data=1, fsdp=len(devices), accumulation=1, remat=policy)  # type: ignore[arg-type]
    return lower_step(dataclasses.replace(whole, data=data, layout=layout), devices)
