"""Grouped matrix products of sorted experts: ours beside one product an expert, `jax.lax.ragged_dot` and tokamax."""

import dataclasses
import functools
import importlib.util
import itertools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.grouped_matmul.grouped_matmul import Backend, grouped_matmul
from tanuki_jax.planning.bench.bench_results import Figures, Measurement, missing
from tanuki_jax.planning.bench.correctness import check
from tanuki_jax.planning.bench.sizes import Sizes
from tanuki_jax.planning.bench.timed_program import measure

type Grouped = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]
"""Rows [T, D] sorted by expert, matrices [E, D, F] and group sizes [E] -> [T, F]."""

BENCHMARK = "grouped-matmul"
PRODUCTS = {"all three": ("y", "dx", "dw"), "forward": ("y",), "d-input": ("dx",), "d-weight": ("dw",)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    load: str
    """How the rows are spread over the experts."""
    group_sizes: tuple[int, ...]
    width: int
    hidden: int
    products: str

    @property
    def name(self) -> str:
        return f"{sum(self.group_sizes)} rows, {len(self.group_sizes)} experts, {self.load}, {self.products}"

    @property
    def flops(self) -> float:
        """2 T D F operations for each product."""
        return 2 * len(PRODUCTS[self.products]) * sum(self.group_sizes) * self.width * self.hidden


def balanced(rows: int, experts: int) -> tuple[int, ...]:
    return tuple(rows // experts + (expert < rows % experts) for expert in range(experts))


def skewed(rows: int, experts: int) -> tuple[int, ...]:
    """Expert n (from 1) gets a share in proportion to 1 / n, rounded down; the first one the rest; the last one nothing."""
    weights = [1 / number for number in range(1, experts)]
    sizes = [int(rows * weight / sum(weights)) for weight in weights]
    return (rows - sum(sizes[1:]), *sizes[1:], 0)


def cases(sizes: Sizes) -> Iterator[Case]:
    rows = sizes.tokens * sizes.choices
    for load, group_sizes in (("balanced", balanced(rows, sizes.experts)), ("skewed", skewed(rows, sizes.experts))):
        for products in PRODUCTS:
            yield Case(
                load=load,
                group_sizes=group_sizes,
                width=sizes.model.width,
                hidden=sizes.model.hidden,
                products=products,
            )


def measurements(sizes: Sizes) -> Iterator[Measurement]:
    for case in cases(sizes):
        first = case.products == "all three"
        for name, grouped in _variants(case).items():
            yield Measurement(BENCHMARK, case.name, name, functools.partial(_measure, case, grouped), first)
    yield from missing(BENCHMARK, {"tokamax": "tokamax"})


def _variants(case: Case) -> dict[str, Grouped]:
    variants: dict[str, Grouped] = {
        "one product an expert, sizes compiled in": functools.partial(_one_by_one, case.group_sizes),
        "jax.lax.ragged_dot": jax.lax.ragged_dot,
    }
    if importlib.util.find_spec("tokamax") is not None:
        variants["tokamax"] = _tokamax
    backends: tuple[Backend, ...] = ("ragged", "hopper")
    return variants | {
        f"tanuki_jax {backend}": functools.partial(grouped_matmul, backend=backend) for backend in backends
    }


def _one_by_one(sizes: tuple[int, ...], x_td: jax.Array, w_edf: jax.Array, _: jax.Array) -> jax.Array:
    ends = itertools.accumulate(sizes)
    return jnp.concatenate([x_td[end - size : end] @ w for size, end, w in zip(sizes, ends, w_edf, strict=True)])


def _tokamax(x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array) -> jax.Array:
    import tokamax

    y_tf: jax.Array = tokamax.ragged_dot(x_td, w_edf, group_sizes_e, implementation="mosaic")
    return y_tf


def _measure(case: Case, grouped: Grouped, seconds: float) -> Figures:
    expected, names = _expected(case), PRODUCTS[case.products]
    program = functools.partial(run, grouped, case.products)
    return measure(program, inputs(case), lambda got: check(got, expected, names), seconds, flops=case.flops)


def run(
    grouped: Grouped, products: str, x_td: jax.Array, w_edf: jax.Array, gradient_tf: jax.Array, group_sizes_e: jax.Array
) -> tuple[jax.Array, ...]:
    """The products of that name; what is not asked for is not computed."""
    y_tf, pull_back = jax.vjp(lambda x, w: grouped(x, w, group_sizes_e), x_td, w_edf)
    dx_td, dw_edf = pull_back(gradient_tf)
    given = {"y": y_tf, "dx": dx_td, "dw": dw_edf}
    return tuple(given[name] for name in PRODUCTS[products])


@functools.lru_cache(maxsize=1)
def _arrays(group_sizes: tuple[int, ...], width: int, hidden: int) -> tuple[jax.Array, ...]:
    x, w, gradient = jax.random.split(jax.random.key(0), 3)
    rows, experts = sum(group_sizes), len(group_sizes)
    return (
        jax.random.normal(x, (rows, width), jnp.bfloat16),
        width**-0.5 * jax.random.normal(w, (experts, width, hidden), jnp.bfloat16),
        jax.random.normal(gradient, (rows, hidden), jnp.bfloat16),
        jnp.asarray(group_sizes, jnp.int32),
    )


def inputs(case: Case) -> tuple[jax.Array, ...]:
    """Random rows, matrices and gradient of the result in bfloat16, and the group sizes."""
    return _arrays(case.group_sizes, case.width, case.hidden)


@functools.lru_cache(maxsize=1)
def _expected(case: Case) -> tuple[jax.Array, ...]:
    """The same in float32, expert by expert."""
    *arrays, group_sizes = inputs(case)
    with jax.default_matmul_precision("highest"):
        program = jax.jit(functools.partial(run, functools.partial(_one_by_one, case.group_sizes), case.products))
        return jax.block_until_ready(program(*(x.astype(jnp.float32) for x in arrays), group_sizes))
