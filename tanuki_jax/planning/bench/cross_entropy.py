"""Timings of linear + cross-entropy: ours, plain JAX, tokamax and Liger."""

import dataclasses
import functools
import importlib.util
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.cross_entropy import linear_cross_entropy
from tanuki_jax.planning.bench import peers
from tanuki_jax.planning.bench.bench_results import Figures, Key, Measurement, Variant, direction, missing
from tanuki_jax.planning.bench.correctness import check
from tanuki_jax.planning.bench.sizes import Sizes
from tanuki_jax.planning.bench.timed_program import measure

type Loss = Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]
"""(states [B, T, D], output [D, V], targets and weights [B, T]) -> weighted losses [B, T], or their sum."""

BENCHMARK = "cross-entropy"
COUNTED_SHARE = 0.25
"""Share of tokens with weight one, in cases where not all have it."""
CHUNK = 256
"""Tokens whose logits the reference holds at a time."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """Shape of a loss, and whether its gradients are computed."""

    rows: int
    time: int
    width: int
    vocabulary: int
    counted: int
    """Number of tokens of weight one; all others have weight zero and need no work."""
    backward: bool

    @property
    def tokens(self) -> int:
        return self.rows * self.time

    @property
    def name(self) -> str:
        share = f"{self.counted / self.tokens:.0%} of weight one"
        return f"{self.tokens} tokens x {self.vocabulary}, {share}, {direction(self.backward)}"

    @property
    def key(self) -> Key:
        return {
            "tokens": self.tokens,
            "vocabulary": self.vocabulary,
            "counted_percent": round(100 * self.counted / self.tokens),
            "direction": direction(self.backward),
        }

    @property
    def flops(self) -> float:
        """Useful operations: one product of 2 D V a token of weight one, or three products with the backward pass."""
        return (6 if self.backward else 2) * self.counted * self.width * self.vocabulary


def cases(sizes: Sizes) -> Iterator[Case]:
    time = sizes.times[0]
    for share in (1.0, COUNTED_SHARE):
        for backward in (True, False):
            yield Case(
                rows=sizes.tokens // time,
                time=time,
                width=sizes.model.width,
                vocabulary=sizes.model.vocabulary,
                counted=int(sizes.tokens * share),
                backward=backward,
            )


def measurements(sizes: Sizes) -> Iterator[Measurement]:
    """Yield every variant of every case."""
    for case in cases(sizes):
        for variant in _variants(case):
            take, key = functools.partial(_measure, case, variant.run), {**case.key, **variant.key}
            yield Measurement(BENCHMARK, case.name, variant.name, key, take, case.backward)
        shape = dataclasses.asdict(case)
        yield from peers.measurements(BENCHMARK, case.name, case.key, shape, case.flops, case.backward)
    yield from missing(BENCHMARK, {"tokamax": "tokamax"} | peers.PACKAGES[BENCHMARK])


def _variants(case: Case) -> Iterator[Variant[Loss]]:
    yield Variant("all logits at once", "jax", "all logits", _naive)
    if importlib.util.find_spec("tokamax") is not None and case.counted == case.tokens:
        yield Variant("tokamax", "tokamax", "default", _tokamax)
    yield Variant("tanuki_jax", "tanuki_jax", "default", ours)


def ours(states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, weights_bt: jax.Array) -> jax.Array:
    """Return the weighted losses by our implementation."""
    return -weights_bt * linear_cross_entropy(states_btd, output_dv, targets_bt, weights_bt)[0]


def _naive(states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, weights_bt: jax.Array) -> jax.Array:
    logits = jnp.einsum("btd,dv->btv", states_btd, output_dv, preferred_element_type=jnp.float32)
    log_z = jax.nn.logsumexp(logits, axis=-1)
    return weights_bt * (log_z - jnp.take_along_axis(logits, targets_bt[..., None], axis=-1)[..., 0])


def _tokamax(states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, _: jax.Array) -> jax.Array:
    import tokamax

    flat = states_btd.reshape(-1, states_btd.shape[-1])
    total: jax.Array = tokamax.linear_softmax_cross_entropy_loss(flat, targets_bt.reshape(-1), output_dv)
    return total


def _measure(case: Case, loss: Loss, seconds: float) -> Figures:
    expected = _expected(case)

    def check_result(results: tuple[jax.Array, ...]) -> float:
        losses, *gradients = results
        names = ("the loss", "d-states", "d-output")[: len(results)]
        if losses.ndim:
            return check((losses[..., None], *gradients), (expected[0][..., None], *expected[1:]), names)
        return check((losses[None], *gradients), (jnp.sum(expected[0])[None], *expected[1:]), names)

    program = functools.partial(run, loss, case.backward)
    return measure(program, inputs(case), check_result, seconds, flops=case.flops, tokens=case.tokens)


def run(
    loss: Loss, backward: bool, states_btd: jax.Array, output_dv: jax.Array, *targets_and_weights: jax.Array
) -> tuple[jax.Array, ...]:
    """Return the losses and, if `backward`, the gradients of their sum with respect to states and output."""
    if not backward:
        return (loss(states_btd, output_dv, *targets_and_weights),)
    losses, pull_back = jax.vjp(
        lambda states, output: loss(states, output, *targets_and_weights), states_btd, output_dv
    )
    return losses, *pull_back(jnp.ones_like(losses))


@functools.lru_cache(maxsize=1)
def inputs(case: Case) -> tuple[jax.Array, ...]:
    """Return random states and output matrix in bfloat16, targets, and weights: one for `counted` random tokens."""
    states, output, targets, counted = jax.random.split(jax.random.key(0), 4)
    shape = (case.rows, case.time)
    return (
        jax.random.normal(states, (*shape, case.width), jnp.bfloat16),
        (case.width**-0.5 * jax.random.normal(output, (case.width, case.vocabulary))).astype(jnp.bfloat16),
        jax.random.randint(targets, shape, 0, case.vocabulary, jnp.int32),
        (jax.random.permutation(counted, case.tokens) < case.counted).astype(jnp.float32).reshape(shape),
    )


@functools.lru_cache(maxsize=1)
def _expected(case: Case) -> tuple[jax.Array, ...]:
    """Return the results of `run` in float32, computed a chunk of tokens at a time."""
    states, output, *rest = inputs(case)

    def loss(states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, weights_bt: jax.Array) -> jax.Array:
        chunks = max(1, case.tokens // CHUNK)
        chunked = [x.reshape(chunks, 1, -1, *x.shape[2:]) for x in (states_btd, targets_bt, weights_bt)]
        chunk_loss = jax.checkpoint(lambda chunk: _naive(chunk[0], output_dv, chunk[1], chunk[2]))
        return jax.lax.map(chunk_loss, tuple(chunked)).reshape(targets_bt.shape)

    with jax.default_matmul_precision("highest"):
        program = jax.jit(functools.partial(run, loss, case.backward))
        return jax.block_until_ready(program(states.astype(jnp.float32), output.astype(jnp.float32), *rest))
