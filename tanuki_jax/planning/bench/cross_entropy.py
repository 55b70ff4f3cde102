"""Linear + cross-entropy: ours beside plain JAX, tokamax and Liger."""

import dataclasses
import functools
import importlib.util
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.cross_entropy import linear_cross_entropy
from tanuki_jax.planning.bench import peers
from tanuki_jax.planning.bench.bench_results import Figures, Measurement, missing
from tanuki_jax.planning.bench.correctness import check
from tanuki_jax.planning.bench.sizes import Sizes
from tanuki_jax.planning.bench.timed_program import measure

type Loss = Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]
"""States [B, T, D], output [D, V], targets and weights [B, T] -> the weighted losses [B, T], or their sum."""

BENCHMARK = "cross-entropy"
COUNTED_SHARE = 0.25
"""Share of tokens with weight one, where not all have it."""
STRETCH = 256
"""Tokens whose logits the reference holds at a time."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    rows: int
    time: int
    width: int
    vocabulary: int
    counted: int
    """Tokens of weight one; the others have zero, and need not cost anything."""
    backward: bool

    @property
    def tokens(self) -> int:
        return self.rows * self.time

    @property
    def name(self) -> str:
        passes = "forward + backward" if self.backward else "forward"
        return f"{self.tokens} tokens x {self.vocabulary}, {self.counted / self.tokens:.0%} of weight one, {passes}"

    @property
    def flops(self) -> float:
        """Useful operations: a product of 2 D V operations a token that counts, three of them with the backward pass."""
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
    for case in cases(sizes):
        for name, loss in _variants(case).items():
            yield Measurement(BENCHMARK, case.name, name, functools.partial(_measure, case, loss), case.backward)
        yield from peers.measurements(BENCHMARK, case.name, dataclasses.asdict(case), case.flops, case.backward)
    yield from missing(BENCHMARK, {"tokamax": "tokamax"} | peers.PACKAGES[BENCHMARK])


def _variants(case: Case) -> dict[str, Loss]:
    variants: dict[str, Loss] = {"all logits at once": _naive}
    if importlib.util.find_spec("tokamax") is not None and case.counted == case.tokens:
        variants["tokamax"] = _tokamax
    return variants | {"tanuki_jax": ours}


def ours(states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, weights_bt: jax.Array) -> jax.Array:
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

    def right(got: tuple[jax.Array, ...]) -> float:
        losses, *gradients = got
        wanted = expected[0][..., None] if losses.ndim else jnp.sum(expected[0])[None]
        names = ("the loss", "d-states", "d-output")[: len(got)]
        return check((losses[..., None] if losses.ndim else losses[None], *gradients), (wanted, *expected[1:]), names)

    return measure(
        functools.partial(run, loss, case.backward), inputs(case), right, seconds, flops=case.flops, tokens=case.tokens
    )


def run(
    loss: Loss, backward: bool, states_btd: jax.Array, output_dv: jax.Array, *targets_and_weights: jax.Array
) -> tuple[jax.Array, ...]:
    """The losses, and if `backward` the gradients of their sum with respect to states and output."""
    if not backward:
        return (loss(states_btd, output_dv, *targets_and_weights),)
    losses, pull_back = jax.vjp(
        lambda states, output: loss(states, output, *targets_and_weights), states_btd, output_dv
    )
    return losses, *pull_back(jnp.ones_like(losses))


@functools.lru_cache(maxsize=1)
def inputs(case: Case) -> tuple[jax.Array, ...]:
    """Random states and output matrix in bfloat16, targets, and weights of which `counted`, anywhere, are one."""
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
    """The same in float32, a stretch of tokens at a time."""
    states, output, *rest = inputs(case)

    def loss(states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, weights_bt: jax.Array) -> jax.Array:
        stretches = max(1, case.tokens // STRETCH)
        parts = [x.reshape(stretches, 1, -1, *x.shape[2:]) for x in (states_btd, targets_bt, weights_bt)]
        one = jax.checkpoint(lambda part: _naive(part[0], output_dv, part[1], part[2]))
        return jax.lax.map(one, tuple(parts)).reshape(targets_bt.shape)

    with jax.default_matmul_precision("highest"):
        program = jax.jit(functools.partial(run, loss, case.backward))
        return jax.block_until_ready(program(states.astype(jnp.float32), output.astype(jnp.float32), *rest))
