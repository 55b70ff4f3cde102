"""Timings of grouped matrix products of experts: ours, one product an expert, `jax.lax.ragged_dot` and tokamax."""

import dataclasses
import functools
import importlib.util
import itertools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.grouped_matmul.grouped_matmul import Backend, grouped_matmul
from tanuki_jax.planning.bench.bench_results import Figures, Key, Measurement, Variant, missing
from tanuki_jax.planning.bench.correctness import check
from tanuki_jax.planning.bench.sizes import Sizes
from tanuki_jax.planning.bench.timed_program import measure

type Grouped = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]
"""(rows [T, D] sorted by expert, matrices [E, D, F], group sizes [E]) -> [T, F]."""

BENCHMARK = "grouped-matmul"
PRODUCTS = {"all three": ("y", "dx", "dw"), "forward": ("y",), "d-input": ("dx",), "d-weight": ("dw",)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """Shape of a grouped product, and which of its three products are computed."""

    load: str
    """Distribution of the rows over the experts."""
    group_sizes: tuple[int, ...]
    width: int
    hidden: int
    products: str

    @property
    def name(self) -> str:
        return f"{sum(self.group_sizes)} rows, {len(self.group_sizes)} experts, {self.load}, {self.products}"

    @property
    def key(self) -> Key:
        return {
            "rows": sum(self.group_sizes),
            "experts": len(self.group_sizes),
            "load": self.load,
            "products": self.products,
        }

    @property
    def flops(self) -> float:
        """Useful operations: 2 T D F for each product."""
        return 2 * len(PRODUCTS[self.products]) * sum(self.group_sizes) * self.width * self.hidden


def balanced(rows: int, experts: int) -> tuple[int, ...]:
    """Return equal group sizes; the first ones are one larger if the rows do not divide evenly."""
    return tuple(rows // experts + (expert < rows % experts) for expert in range(experts))


def skewed(rows: int, experts: int) -> tuple[int, ...]:
    """Return group sizes in proportion to 1, 1/2, 1/3, ...; the first group takes the rest, the last one is empty."""
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
    """Yield every variant of every case."""
    for case in cases(sizes):
        first = case.products == "all three"
        for variant in variants(case):
            take, key = functools.partial(_measure, case, variant.run), {**case.key, **variant.key}
            yield Measurement(BENCHMARK, case.name, variant.name, key, take, first)
    yield from missing(BENCHMARK, {"tokamax": "tokamax"})


def variants(case: Case) -> Iterator[Variant[Grouped]]:
    """Yield the implementations of a case, peers first."""
    loop = functools.partial(_one_by_one, case.group_sizes)
    yield Variant("one product an expert, sizes compiled in", "jax", "one by one", loop)
    yield Variant("jax.lax.ragged_dot", "jax", "ragged_dot", jax.lax.ragged_dot)
    if importlib.util.find_spec("tokamax") is not None:
        yield Variant("tokamax", "tokamax", "mosaic", _tokamax)
    backends: tuple[Backend, ...] = ("ragged", "hopper")
    for backend in backends:
        grouped = functools.partial(grouped_matmul, backend=backend)
        yield Variant(f"tanuki_jax {backend}", "tanuki_jax", backend, grouped)


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
    return measure(program, inputs(case), lambda results: check(results, expected, names), seconds, flops=case.flops)


def run(
    grouped: Grouped, products: str, x_td: jax.Array, w_edf: jax.Array, gradient_tf: jax.Array, group_sizes_e: jax.Array
) -> tuple[jax.Array, ...]:
    """Return the products that `PRODUCTS` lists under a name; the compiler drops the others."""
    y_tf, pull_back = jax.vjp(lambda x, w: grouped(x, w, group_sizes_e), x_td, w_edf)
    dx_td, dw_edf = pull_back(gradient_tf)
    computed = {"y": y_tf, "dx": dx_td, "dw": dw_edf}
    return tuple(computed[name] for name in PRODUCTS[products])


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
    """Return random rows, matrices and gradient of the result in bfloat16, and the group sizes."""
    return _arrays(case.group_sizes, case.width, case.hidden)


@functools.lru_cache(maxsize=1)
def _expected(case: Case) -> tuple[jax.Array, ...]:
    """Return the products in float32, computed expert by expert."""
    *arrays, group_sizes = inputs(case)
    with jax.default_matmul_precision("highest"):
        program = jax.jit(functools.partial(run, functools.partial(_one_by_one, case.group_sizes), case.products))
        return jax.block_until_ready(program(*(x.astype(jnp.float32) for x in arrays), group_sizes))
