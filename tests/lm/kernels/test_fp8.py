"""FP8 products against numpy and ml_dtypes in float64, on a mesh, inside the model, and in the program for an H200."""

import dataclasses
import functools
import math
import re
from collections import Counter
from typing import Any, Literal

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from jax.extend import core as jax_core
from jax.sharding import NamedSharding, SingleDeviceSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.model import Model
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.kernels.fp8 import FORWARD, GRADIENT, LARGEST, fp8_matmul, quantise
from tanuki_jax.lm.model.remat import rematerialize
from tanuki_jax.lm.model.transformer import Ops, hidden_states
from tanuki_jax.lm.model.weights import Params, shapes
from tanuki_jax.lm.objectives.objective import StepContext
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.planning.plan.target import parse
from tanuki_jax.training.loss import make_loss
from tanuki_jax.training.setup import TrainSetup

pytestmark = pytest.mark.thorough

type Float64 = npt.NDArray[np.float64]

SHAPES = {
    "btd,dhk->bthk": ((2, 8, 32), (32, 4, 8), 1),
    "bthk,hkd->btd": ((2, 8, 4, 8), (4, 8, 32), 2),
    "btd,df->btf": ((2, 8, 32), (32, 24), 1),
    "btf,fd->btd": ((2, 8, 24), (24, 32), 1),
}


def rounded(x: Float64, dtype: Any) -> Float64:
    """Round x to an FP8 type, scaled by the power of two that brings its largest magnitude just below the type's."""
    scale = 2.0 ** math.floor(math.log2(LARGEST[np.dtype(dtype)] / np.abs(x).max()))
    return (x * scale).astype(dtype).astype(np.float64) / scale


@functools.partial(jax.jit, static_argnames="axes")
def one_product(x: jax.Array, weight: jax.Array, axes: int = 1) -> jax.Array:
    return fp8_matmul(x, [weight], axes)[0]


def normal(seed: int, shape: tuple[int, ...], dtype: Any = jnp.float32, std: float = 1.0) -> jax.Array:
    return (std * jax.random.normal(jax.random.key(seed), shape)).astype(dtype)


@pytest.mark.parametrize("dtype", [FORWARD, GRADIENT])
def test_the_largest_finite_numbers_are_those_of_ml_dtypes(dtype: jnp.dtype) -> None:
    largest = np.asarray([LARGEST[dtype], LARGEST[dtype] * 1.125]).astype(dtype).astype(np.float64)
    assert largest[0] == LARGEST[dtype] and not np.isfinite(largest[1])


@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float32, 1e-6), (jnp.bfloat16, 2**-8)])
@pytest.mark.parametrize("name", SHAPES)
def test_product_and_gradients_are_those_of_rounded_inputs_in_float64(name: str, dtype: Any, tolerance: float) -> None:
    x_shape, w_shape, axes = SHAPES[name]
    x, weight = normal(0, x_shape, dtype), normal(1, w_shape, dtype, std=0.02)
    gradient = normal(2, x_shape[: len(x_shape) - axes] + w_shape[axes:], dtype, std=1e3)
    product, transpose = jax.vjp(functools.partial(one_product, axes=axes), x, weight)
    x64, w64, g64 = (np.asarray(array, np.float64) for array in (x, weight, gradient))
    x_letters, w_letters, out = re.split(r",|->", name)
    w8 = rounded(w64, ml_dtypes.float8_e4m3fn)
    expected = {
        "product": np.einsum(name, rounded(x64, ml_dtypes.float8_e4m3fn), w8),
        "d-input": np.einsum(f"{out},{w_letters}->{x_letters}", rounded(g64, ml_dtypes.float8_e5m2), w8),
        "d-weight": np.einsum(f"{x_letters},{out}->{w_letters}", x64, g64),
    }
    for (part, oracle), ours in zip(expected.items(), (product, *transpose(gradient)), strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(
            np.asarray(ours, np.float64), oracle, atol=tolerance * np.abs(oracle).max(), rtol=0, err_msg=part
        )


@given(
    st.lists(st.floats(-1e9, 1e9, width=32, allow_subnormal=False), min_size=1, max_size=20),
    st.sampled_from([FORWARD, GRADIENT]),
)
def test_a_scaled_tensor_fills_half_its_range_and_is_rounded_to_nearest(values: list[float], dtype: jnp.dtype) -> None:
    x = np.asarray(values, np.float64)
    scaled = jax.jit(quantise, static_argnums=1)(jnp.asarray(values, jnp.float32), dtype)
    limit, held = LARGEST[dtype], np.asarray(scaled.values, np.float64)
    if np.abs(x).max() > limit * 2.0**-63:
        assert limit / 2 * 0.99 <= np.abs(held).max() <= limit
    inverse = float(scaled.inverse_scale)
    assert math.frexp(inverse)[0] == 0.5, "a power of two"
    np.testing.assert_array_equal(held, (x / inverse).astype(dtype).astype(np.float64))


@pytest.mark.parametrize("magnitude", [0.0, 1e-35, 1e-10, 1e10, 1e18])
def test_products_of_zeros_and_of_extreme_numbers_are_finite(magnitude: float) -> None:
    x, weight = magnitude * normal(0, (4, 32), jnp.bfloat16), normal(1, (32, 8), jnp.bfloat16)
    for array in (one_product(x, weight), *jax.grad(lambda *a: one_product(*a).sum(), (0, 1))(x, weight)):
        assert bool(jnp.isfinite(array.astype(jnp.float32)).all())
    exact = jnp.tensordot(x.astype(jnp.float32), weight.astype(jnp.float32), 1)
    small = magnitude < 1e-20  # below what a scale can lift into range
    assert small or float(jnp.abs(one_product(x, weight) - exact).max()) <= 0.1 * float(jnp.abs(exact).max())


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf, 1e30])
def test_a_number_not_finite_or_out_of_range_makes_the_product_nan(
    bad: float,
) -> None:
    x, weight = normal(0, (4, 32)), normal(1, (32, 8))
    assert bool(jnp.isnan(one_product(x.at[1, 2].set(bad), weight)).all())
    assert bool(jnp.isnan(one_product(x, weight.at[3, 4].set(bad))).all())
    _, transpose = jax.vjp(one_product, x, weight)
    assert bool(jnp.isnan(transpose(jnp.ones((4, 8)).at[0, 0].set(bad))[0]).all())


def test_an_update_on_eight_devices_is_bit_for_bit_that_of_one() -> None:
    """Integers make every order of summation exact."""
    random = np.random.default_rng(0)
    x, target = random.integers(-8, 9, (4, 8, 16)), random.integers(-8, 9, (4, 8, 16))
    x[0] *= 16  # one device's largest magnitude is not another's
    weights = random.integers(-1, 2, (16, 8, 4)), random.integers(-1, 2, (8, 4, 16))

    def update(x: jax.Array, target: jax.Array, inner: jax.Array, outer: jax.Array) -> tuple[jax.Array, ...]:
        def loss(inner: jax.Array, outer: jax.Array) -> jax.Array:
            return jnp.square(one_product(one_product(x, inner), outer, 2) - target).sum() / 2

        gradients = jax.grad(loss, (0, 1))(inner, outer)
        return inner - gradients[0] / 1024, outer - gradients[1] / 1024

    arrays = [jnp.asarray(array, jnp.float32) for array in (x, target, *weights)]
    mesh = jax.make_mesh((2, 4), ("fsdp", "tensor"), axis_types=(jax.sharding.AxisType.Auto,) * 2)
    specs = (P("fsdp"), P("fsdp"), P("fsdp", "tensor"), P("tensor", None, "fsdp"))
    placed = [jax.device_put(array, NamedSharding(mesh, spec)) for array, spec in zip(arrays, specs, strict=True)]
    for on_mesh, on_one in zip(jax.jit(update)(*placed), jax.jit(update)(*arrays), strict=True):
        assert len(on_mesh.devices()) == 8
        np.testing.assert_array_equal(on_mesh, on_one)


TINY = Model(vocabulary=64, width=256, hidden=512, layers=3, heads=4, kv_heads=4)
TOKENS = 2 * 256


def loss(params: Params, tokens: jax.Array, remat: str) -> jax.Array:
    """Compute the loss of a model whose attention has no products, so that all of them are with weights."""
    states, _ = hidden_states(
        params,
        tokens,
        tokens,
        tokens,
        TINY,
        Ops(attend=lambda q, k, v, *_: q * k + v, matmul=fp8_matmul, remat=rematerialize(remat)),
        compute_dtype="bfloat16",
    )
    return jnp.square(states.astype(jnp.float32)).sum()


def products(jaxpr: jax_core.Jaxpr) -> Counter[tuple[str, str]]:
    """Count the products of each pair of types."""
    counts: Counter[tuple[str, str]] = Counter()
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            operands: list[Any] = equation.invars
            counts[operands[0].aval.dtype.name, operands[1].aval.dtype.name] += 1
        for inner in jax_core.jaxprs_in_params(equation.params):
            counts += products(inner)
    return counts


@pytest.mark.parametrize(("remat", "forward"), [("none", 7), ("dots", 7), ("full", 13)])
def test_seven_weights_are_multiplied_in_fp8_and_none_again_if_saved(remat: str, forward: int) -> None:
    """All but the last product are computed again with `full`, as in bfloat16."""
    tokens = jax.ShapeDtypeStruct((2, 256), jnp.int32)
    traced = jax.make_jaxpr(jax.grad(loss), static_argnums=2)(shapes(TINY), tokens, remat)
    assert products(traced.jaxpr) == {
        ("float8_e4m3fn", "float8_e4m3fn"): forward,
        ("float8_e5m2", "float8_e4m3fn"): 7,
        ("bfloat16", "bfloat16"): 7,
    }


@pytest.mark.parametrize(("projections", "fp8"), [("compute_dtype", 0), ("fp8", 7)])
def test_the_field_of_the_layout_decides(projections: Literal["compute_dtype", "fp8"], fp8: int) -> None:
    tiny = registry.experiment.find("tiny")
    tiny = dataclasses.replace(tiny, layout=dataclasses.replace(tiny.layout, projections=projections))
    row = jax.ShapeDtypeStruct((1, 256), jnp.int32)
    batch = Batch(row, row, jax.ShapeDtypeStruct((1, 256), jnp.float32), row, row)
    traced = jax.make_jaxpr(make_loss(TrainSetup(tiny, make_mesh(Layout(), jax.devices()[:1]))))(
        shapes(tiny.model), batch, StepContext()
    )
    assert products(traced.jaxpr)["float8_e4m3fn", "float8_e4m3fn"] == fp8


def issued(program: str) -> Counter[tuple[str, str]]:
    """Count the multiply-adds of a compiled program by the types of operands; XLA may join products and split sums."""
    kinds: dict[str, tuple[str, list[int]]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for line in program.splitlines():
        if not (instruction := re.match(r"\s*(?:ROOT )?%([\w.-]+) = \(?(\w+)\[([\d,]*)\]", line)):
            continue
        name, kind, dims = instruction.groups()
        kinds[name] = kind, [int(dim) for dim in dims.split(",") if dim]
        if product := re.search(r" (?:dot|custom-call)\(%([\w.-]+), %([\w.-]+)", line):
            if " custom-call(" in line and "__cublas$lt$matmul" not in line:
                continue
            (left, a), (right, b) = (kinds[operand] for operand in product.groups())
            out = kinds[name][1]
            parts = out[0] if len(out) == 3 else 1
            counts[max(left, right), min(left, right)] += math.isqrt(
                math.prod(a) * math.prod(b) * math.prod(out) // parts
            )
    return counts


@pytest.mark.gpu_compile
@pytest.mark.parametrize("triton", [True, False])
def test_an_h200_multiplies_in_fp8_with_triton_and_with_cublas(triton: bool) -> None:
    """XLA takes Triton for every product without a GPU, and the faster one with a GPU: both must be FP8."""
    sharding = SingleDeviceSharding(parse("h200:1").devices()[0])
    params, tokens = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        (shapes(TINY), jax.ShapeDtypeStruct((2, 256), jnp.int32)),
    )
    lowered = jax.jit(jax.grad(loss), static_argnums=2).lower(params, tokens, "dots")
    program = lowered.compile({"xla_gpu_enable_triton_gemm": triton}).as_text()
    assert program is not None
    width, hidden = TINY.width, TINY.hidden
    each = TOKENS * (4 * width * width + 3 * width * hidden)
    assert issued(program) == {("f8e4m3fn", "f8e4m3fn"): each, ("f8e5m2", "f8e4m3fn"): each, ("bf16", "bf16"): each}
    assert ("__cublas$lt$matmul$f8" in program) != triton
