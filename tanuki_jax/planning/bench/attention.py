"""Attention: our backends beside cuDNN through JAX, JAX's own Hopper kernel, tokamax and PyTorch's."""

import dataclasses
import functools
import importlib.util
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.attention.attention import Backend, self_attention
from tanuki_jax.planning.bench import document_rows as documents
from tanuki_jax.planning.bench import peers
from tanuki_jax.planning.bench.bench_results import Figures, Measurement, Result, missing
from tanuki_jax.planning.bench.correctness import check
from tanuki_jax.planning.bench.document_rows import Lengths
from tanuki_jax.planning.bench.sizes import Sizes
from tanuki_jax.planning.bench.timed_program import measure

type Attend = Callable[[jax.Array, jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]
"""q, k, v, segment ids and positions -> output."""

BENCHMARK = "attention"
DENSE_PEER = "cuDNN through jax.nn"
ONE_DOCUMENT = "one document"
SHARE = "of dense cuDNN's time"
NAMES = ("the output", "dq", "dk", "dv")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """Causal attention over rows of documents."""

    rows: str
    """What the rows are."""
    lengths: Lengths
    heads: int
    kv_heads: int
    dim: int
    backward: bool
    first: bool = True

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
        return f"{self.rows}, T {self.time}, D {self.dim}, {'forward + backward' if self.backward else 'forward'}"

    @property
    def flops(self) -> float:
        """Useful operations: two products forward and five backward, of 2 D operations a visible pair and head each."""
        return (14 if self.backward else 4) * self.dim * self.heads * documents.visible_pairs(self.lengths)


def kinds(sizes: Sizes, time: int) -> dict[str, Lengths]:
    """What rows of T are filled with: one document, and if T is the first of the sizes also many."""
    whole = {ONE_DOCUMENT: documents.one_document(max(1, sizes.tokens // time), time)}
    if time != sizes.times[0]:
        return whole
    rows, mean = sizes.packed_rows, sizes.document
    return whole | {
        f"documents of {mean} in {rows} rows": documents.fixed(rows, time, mean),
        f"documents of mean {mean} in {rows} rows": documents.exponential(rows, time, mean),
    }


def cases(sizes: Sizes) -> Iterator[Case]:
    """First those that the targets are about: the first T and head size."""
    model = sizes.model
    for dim in sizes.head_dims:
        for time in sizes.times:
            main = time == sizes.times[0]
            for kind, lengths in kinds(sizes, time).items():
                for backward in (True, False) if main or dim == sizes.head_dims[0] else ():
                    first = main and dim == sizes.head_dims[0]
                    shape = dict(heads=model.heads, kv_heads=model.kv_heads, dim=dim)
                    yield Case(rows=kind, lengths=lengths, backward=backward, first=first, **shape)


def measurements(sizes: Sizes) -> Iterator[Measurement]:
    for case in cases(sizes):
        for name, attend in _variants(case).items():
            yield Measurement(BENCHMARK, case.name, name, functools.partial(_measure, case, attend), case.first)
        shape = {
            "lengths": case.lengths,
            "heads": case.heads,
            "kv_heads": case.kv_heads,
            "dim": case.dim,
            "backward": case.backward,
        }
        yield from peers.measurements(BENCHMARK, case.name, shape, case.flops, case.first)
    yield from missing(BENCHMARK, {"tokamax": "tokamax"} | peers.PACKAGES[BENCHMARK])


def _variants(case: Case) -> dict[str, Attend]:
    """Peers before ours, so that a kernel that takes the device down takes nobody else's figures with it."""
    variants: dict[str, Attend] = {}
    if not case.packed:
        variants[DENSE_PEER] = lambda q, k, v, *_: jax.nn.dot_product_attention(
            q, k, v, is_causal=True, implementation="cudnn"
        )
        if not case.backward:
            variants["jax's attention_mgpu (float16)"] = attention_mgpu_peer
        if importlib.util.find_spec("tokamax") is not None:
            variants["tokamax"] = _tokamax
    backends: tuple[Backend, ...] = ("chunked", "cudnn", "hopper")
    for backend in backends:
        variants[f"tanuki_jax {backend}"] = functools.partial(self_attention, backend=backend)
    return variants


def attention_mgpu_peer(q: jax.Array, k: jax.Array, v: jax.Array, *_: jax.Array) -> jax.Array:
    from jax.experimental.pallas.ops.gpu import attention_mgpu  # here: it asks for the CUDA plugin

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
        lambda got: check(got, expected, NAMES[: len(got)]),
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
    """The output, and dq, dk and dv of `gradient` if `backward`."""
    if not backward:
        return (attend(q, k, v, segments, positions),)
    out, pull_back = jax.vjp(lambda q, k, v: attend(q, k, v, segments, positions), q, k, v)
    return out, *pull_back(gradient)


@functools.lru_cache(maxsize=1)
def inputs(case: Case) -> tuple[jax.Array, ...]:
    """Random q, k, v and gradient of the output in bfloat16, segment ids and positions."""
    rows, time = len(case.lengths), case.time
    keys = jax.random.split(jax.random.key(0), 4)
    heads = (case.heads, case.kv_heads, case.kv_heads, case.heads)
    arrays = [
        jax.random.normal(key, (rows, time, n, case.dim), jnp.bfloat16) for key, n in zip(keys, heads, strict=True)
    ]
    return *arrays, jnp.asarray(documents.segment_ids(case.lengths)), jnp.asarray(documents.positions(case.lengths))


@functools.lru_cache(maxsize=1)
def _expected(case: Case) -> tuple[jax.Array, ...]:
    """The same in float32, by the backend that is plain JAX."""
    q, k, v, gradient, segments, positions = inputs(case)
    wide = [x.astype(jnp.float32) for x in (q, k, v, gradient)]
    with jax.default_matmul_precision("highest"):
        program = jax.jit(functools.partial(run, functools.partial(self_attention, backend="chunked"), case.backward))
        return jax.block_until_ready(program(*wide, segments, positions))


def compared(results: Sequence[Result]) -> list[Result]:
    """The results, those on packed rows with their time a token as a share of cuDNN's on one causal document, if both were measured."""
    dense = {result.case: result.figures for result in results if result.figures and result.variant == DENSE_PEER}

    def with_share(result: Result) -> Result:
        peer = dense.get(f"{ONE_DOCUMENT}, {result.case.partition(', ')[2]}")
        figures = result.figures
        if result.benchmark != BENCHMARK or result.case.startswith(ONE_DOCUMENT) or figures is None or peer is None:
            return result
        share = figures.timing.median / figures.tokens / (peer.timing.median / peer.tokens)
        return dataclasses.replace(result, figures=dataclasses.replace(figures, notes=figures.notes | {SHARE: share}))

    return [with_share(result) for result in results]
