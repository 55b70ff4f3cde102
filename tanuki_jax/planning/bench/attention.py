"""Timings of attention: our backends, cuDNN through JAX, JAX's own Hopper kernel, tokamax and PyTorch."""

import dataclasses
import functools
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.attention.attention import Backend, self_attention
from tanuki_jax.planning.bench import document_rows, peers
from tanuki_jax.planning.bench.bench_results import (
    CUDNN_SHARE,
    Figures,
    Key,
    Measurement,
    Result,
    Variant,
    direction,
    missing,
)
from tanuki_jax.planning.bench.correctness import check
from tanuki_jax.planning.bench.document_rows import Lengths
from tanuki_jax.planning.bench.sizes import Sizes
from tanuki_jax.planning.bench.timed_program import measure

type Attend = Callable[[jax.Array, jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]
"""(q, k, v, segment ids, positions) -> output."""
type Packing = Literal["one document", "equal documents", "exponential documents"]

BENCHMARK = "attention"
DENSE_PEER: Key = {"library": "jax", "backend": "cudnn"}
NAMES = ("the output", "dq", "dk", "dv")


class Rows(NamedTuple):
    """Rows of documents."""

    packing: Packing
    name: str
    lengths: Lengths


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """Causal attention over rows of documents."""

    rows: Rows
    heads: int
    kv_heads: int
    dim: int
    backward: bool
    first: bool = True

    @property
    def lengths(self) -> Lengths:
        return self.rows.lengths

    @property
    def time(self) -> int:
        return sum(self.lengths[0])

    @property
    def tokens(self) -> int:
        return sum(map(sum, self.lengths))

    @property
    def packed(self) -> bool:
        return max(map(len, self.lengths)) > 1

    @property
    def name(self) -> str:
        return f"{self.rows.name}, T {self.time}, D {self.dim}, {direction(self.backward)}"

    @property
    def key(self) -> Key:
        return {
            "rows": self.rows.packing,
            "time": self.time,
            "head_dim": self.dim,
            "direction": direction(self.backward),
        }

    @property
    def flops(self) -> float:
        """Useful operations: two products forward and five backward, each of 2 D operations a visible pair and head."""
        return (14 if self.backward else 4) * self.dim * self.heads * document_rows.visible_pairs(self.lengths)


def all_rows(sizes: Sizes, time: int) -> list[Rows]:
    """Return rows of T that hold one document and, if T is the first of the sizes, rows that hold several."""
    one = Rows("one document", "one document", document_rows.one_document(max(1, sizes.tokens // time), time))
    if time != sizes.times[0]:
        return [one]
    rows, mean = sizes.packed_rows, sizes.document
    equal, exponential = document_rows.fixed(rows, time, mean), document_rows.exponential(rows, time, mean)
    return [
        one,
        Rows("equal documents", f"documents of {mean} in {rows} rows", equal),
        Rows("exponential documents", f"documents of mean {mean} in {rows} rows", exponential),
    ]


def cases(sizes: Sizes) -> Iterator[Case]:
    """Yield the cases, those of the targets first: the first T and head size."""
    model = sizes.model
    for dim in sizes.head_dims:
        for time in sizes.times:
            main = time == sizes.times[0]
            for rows in all_rows(sizes, time):
                for backward in (True, False) if main or dim == sizes.head_dims[0] else ():
                    first = main and dim == sizes.head_dims[0]
                    shape = dict(heads=model.heads, kv_heads=model.kv_heads, dim=dim)
                    yield Case(rows=rows, backward=backward, first=first, **shape)


def measurements(sizes: Sizes) -> Iterator[Measurement]:
    """Yield every variant of every case."""
    for case in cases(sizes):
        for variant in _variants(case):
            take, key = functools.partial(_measure, case, variant.run), {**case.key, **variant.key}
            yield Measurement(BENCHMARK, case.name, variant.name, key, take, case.first)
        shape = {
            "lengths": case.lengths,
            "heads": case.heads,
            "kv_heads": case.kv_heads,
            "dim": case.dim,
            "backward": case.backward,
        }
        yield from peers.measurements(BENCHMARK, case.name, case.key, shape, case.flops, case.first)
    yield from missing(BENCHMARK, {"tokamax": "tokamax"} | peers.PACKAGES[BENCHMARK])


def _variants(case: Case) -> Iterator[Variant[Attend]]:
    """Yield peers before our own kernels, so that peers are measured even if one of ours breaks the device."""
    if not case.packed:
        yield Variant("cuDNN through jax.nn", "jax", "cudnn", _dense_cudnn)
        if not case.backward:
            yield Variant("jax's attention_mgpu (float16)", "jax", "attention_mgpu", attention_mgpu_peer)
        if importlib.util.find_spec("tokamax") is not None:
            yield Variant("tokamax", "tokamax", "mosaic", _tokamax)
    backends: tuple[Backend, ...] = ("chunked", "cudnn", "hopper")
    for backend in backends:
        attend = functools.partial(self_attention, backend=backend)
        yield Variant(f"tanuki_jax {backend}", "tanuki_jax", backend, attend)


def _dense_cudnn(q: jax.Array, k: jax.Array, v: jax.Array, *_: jax.Array) -> jax.Array:
    return jax.nn.dot_product_attention(q, k, v, is_causal=True, implementation="cudnn")


def attention_mgpu_peer(q: jax.Array, k: jax.Array, v: jax.Array, *_: jax.Array) -> jax.Array:
    """Run JAX's own Hopper kernel, in float16."""
    from jax.experimental.pallas.ops.gpu import attention_mgpu  # not at the top: it needs the CUDA plugin

    config = attention_mgpu.TuningConfig(block_q=64, block_kv=128, max_concurrent_steps=2, causal=True)
    out: jax.Array = attention_mgpu.attention(*(x.astype(jnp.float16) for x in (q, k, v)), config)
    return out.astype(q.dtype)


def _tokamax(q: jax.Array, k: jax.Array, v: jax.Array, *_: jax.Array) -> jax.Array:
    import tokamax

    out: jax.Array = tokamax.dot_product_attention(q, k, v, is_causal=True, implementation="mosaic")
    return out


def _measure(case: Case, attend: Attend, seconds: float) -> Figures:
    arguments, expected = inputs(case), _expected(case)
    return measure(
        functools.partial(run, attend, case.backward),
        arguments,
        lambda results: check(results, expected, NAMES[: len(results)]),
        seconds,
        flops=case.flops,
        tokens=case.tokens,
    )


def run(
    attend: Attend,
    backward: bool,
    q: jax.Array,
    k: jax.Array,
    v: jax.Array,
    gradient: jax.Array,
    segments: jax.Array,
    positions: jax.Array,
) -> tuple[jax.Array, ...]:
    """Return the output and, if `backward`, dq, dk and dv for the gradient of the output."""
    if not backward:
        return (attend(q, k, v, segments, positions),)
    out, pull_back = jax.vjp(lambda q, k, v: attend(q, k, v, segments, positions), q, k, v)
    return out, *pull_back(gradient)


@functools.lru_cache(maxsize=1)
def inputs(case: Case) -> tuple[jax.Array, ...]:
    """Return random q, k, v and gradient of the output in bfloat16, segment ids and positions."""
    rows, time = len(case.lengths), case.time
    keys = jax.random.split(jax.random.key(0), 4)
    heads = (case.heads, case.kv_heads, case.kv_heads, case.heads)
    arrays = [
        jax.random.normal(key, (rows, time, n, case.dim), jnp.bfloat16) for key, n in zip(keys, heads, strict=True)
    ]
    segments, positions = document_rows.segment_ids(case.lengths), document_rows.positions(case.lengths)
    return *arrays, jnp.asarray(segments), jnp.asarray(positions)


@functools.lru_cache(maxsize=1)
def _expected(case: Case) -> tuple[jax.Array, ...]:
    """Return the results of `run` in float32, by the backend in plain JAX."""
    q, k, v, gradient, segments, positions = inputs(case)
    wide = [x.astype(jnp.float32) for x in (q, k, v, gradient)]
    with jax.default_matmul_precision("highest"):
        program = jax.jit(functools.partial(run, functools.partial(self_attention, backend="chunked"), case.backward))
        return jax.block_until_ready(program(*wide, segments, positions))


def with_cudnn_shares(results: Sequence[Result]) -> list[Result]:
    """Add to results on packed rows their time a token as a share of cuDNN's on one causal document, if measured."""
    dense = [result for result in results if result.matches(BENCHMARK, {"rows": "one document", **DENSE_PEER})]

    def with_share(result: Result) -> Result:
        figures = result.figures
        if figures is None or result.benchmark != BENCHMARK or result.key["rows"] == "one document":
            return result
        same_shape = {name: result.key[name] for name in ("time", "head_dim", "direction")}
        peer = next((each.figures for each in dense if each.figures and each.matches(BENCHMARK, same_shape)), None)
        if peer is None:
            return result
        share = figures.timing.median / figures.tokens / (peer.timing.median / peer.tokens)
        notes = figures.notes | {CUDNN_SHARE: share}
        return dataclasses.replace(result, figures=dataclasses.replace(figures, notes=notes))

    return [with_share(result) for result in results]
