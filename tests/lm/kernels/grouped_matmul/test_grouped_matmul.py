"""Grouped matmul on CPUs: values and gradients against one product per expert in float64."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.grouped_matmul.grouped_matmul import Backend, choose, grouped_matmul
from tests.lm.kernels.devices import device

pytestmark = pytest.mark.thorough

ROWS, WIDTH, OUTPUTS, EXPERTS = 300, 8, 12, 5
SIZES = st.lists(st.one_of(st.just(0), st.integers(0, 60)), min_size=EXPERTS, max_size=EXPERTS)
BACKENDS: list[Backend] = ["reference", "ragged"]
BF16 = jnp.dtype(jnp.bfloat16)


def inputs(dtype: Any, rows: int = ROWS) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return x, w and the gradient of the output."""
    keys = jax.random.split(jax.random.key(rows), 3)
    shapes = ((rows, WIDTH), (EXPERTS, WIDTH, OUTPUTS), (rows, OUTPUTS))
    x, w, g = (jax.random.normal(key, shape, dtype) for key, shape in zip(keys, shapes, strict=True))
    return x, w, g


def one_by_one(x: jax.Array, w: jax.Array, g: jax.Array, sizes: list[int]) -> list[npt.NDArray[np.float64]]:
    """Return output, gradient of x and gradient of w, expert by expert."""
    x64, w64, g64 = (np.asarray(side, np.float64) for side in (x, w, g))
    out, x_gradient, w_gradient = np.zeros_like(g64), np.zeros_like(x64), np.zeros_like(w64)
    begin = 0
    for expert, size in enumerate(sizes):
        rows = slice(begin, begin + size)
        out[rows] = x64[rows] @ w64[expert]
        x_gradient[rows] = g64[rows] @ w64[expert].T
        w_gradient[expert] = x64[rows].T @ g64[rows]
        begin += size
    return [out, x_gradient, w_gradient]


def computed(x: jax.Array, w: jax.Array, g: jax.Array, sizes: list[int], backend: Backend) -> list[jax.Array]:
    return _computed(x, w, g, jnp.array(sizes, jnp.int32), backend)


@jax.jit(static_argnames="backend")
def _computed(x: jax.Array, w: jax.Array, g: jax.Array, sizes: jax.Array, backend: Backend) -> list[jax.Array]:
    out, pull = jax.vjp(lambda x, w: grouped_matmul(x, w, sizes, backend=backend), x, w)
    return [out, *pull(g)]


@pytest.mark.parametrize("backend", BACKENDS)
@given(sizes=SIZES)
@example(sizes=[0, 0, 0, 0, 0])
@example(sizes=[0, 0, ROWS, 0, 0])
@example(sizes=[128, 128, 0, 44, 0])
@example(sizes=[1, 127, 1, 130, 41])
def test_values_and_gradients_are_those_of_one_product_per_expert(backend: Backend, sizes: list[int]) -> None:
    arrays = inputs(jnp.float32)
    for got, expected in zip(computed(*arrays, sizes, backend), one_by_one(*arrays, sizes), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_bfloat16_is_summed_in_float32_and_rounded_once(backend: Backend) -> None:
    arrays, sizes = inputs(BF16), [90, 0, 3, 150, 40]
    for got, expected in zip(computed(*arrays, sizes, backend), one_by_one(*arrays, sizes), strict=True):
        assert got.dtype == BF16
        np.testing.assert_allclose(np.asarray(got, np.float64), expected, atol=1e-5, rtol=2**-8)


@pytest.mark.parametrize("rows", [1, 5, 8, 127, 130])
def test_any_number_of_rows(rows: int) -> None:
    arrays, sizes = inputs(jnp.float32, rows), [rows // 3, rows - rows // 3, 0, 0, 0]
    for got, expected in zip(computed(*arrays, sizes, "ragged"), one_by_one(*arrays, sizes), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-4, rtol=1e-5)


def test_rows_beyond_the_groups_may_hold_anything() -> None:
    x, w, g = inputs(jnp.float32)
    sizes = [50, 0, 70, 1, 100]
    clean = computed(x, w, g, sizes, "ragged")
    dirty = computed(x.at[221:].set(jnp.nan), w, g.at[221:].set(jnp.inf), sizes, "ragged")
    for a, b in zip(clean, dirty, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.asarray(clean[0])[221:].any() and not np.asarray(clean[1])[221:].any()


def test_bad_values_of_one_expert_stay_with_it() -> None:
    x, w, g = inputs(jnp.float32)
    sizes = [50, 60, 70, 1, 100]
    clean = computed(x, w, g, sizes, "ragged")
    broken = computed(x.at[50:110].set(jnp.nan), w.at[1].set(jnp.inf), g.at[50:110].set(jnp.nan), sizes, "ragged")
    others = np.r_[:50, 110:ROWS]
    for a, b in zip(clean[:2], broken[:2], strict=True):
        np.testing.assert_array_equal(a[others], b[others])
    np.testing.assert_array_equal(clean[2][np.array([0, 2, 3, 4])], broken[2][np.array([0, 2, 3, 4])])


def test_no_temporary_is_dense_in_experts() -> None:
    """On a CPU `jax.lax.ragged_dot` takes [E, T, D] and as many products."""
    experts, rows, width = 16, 2048, 64
    arrays = (
        jnp.zeros((rows, width)),
        jnp.zeros((experts, width, width)),
        jnp.zeros((rows, width)),
        jnp.zeros(experts, jnp.int32),
    )
    compiled = _computed.lower(*arrays, backend="ragged").compile()
    memory = compiled.memory_analysis()
    assert memory is not None
    assert memory.temp_size_in_bytes < 4 * (rows * width + experts * width**2) * arrays[0].itemsize


@pytest.mark.parametrize("check_vma", [False, True])
def test_devices_with_local_rows_add_up_the_gradient_of_the_matrices(check_vma: bool) -> None:
    x, w, g = inputs(jnp.float32)
    sizes = [[50, 0, 70, 1, 20], [0, 100, 3, 30, 0]]
    mesh = jax.make_mesh((2,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    specs = (jax.P("data"), jax.P(), jax.P("data"))

    @jax.jit
    def split(x: jax.Array, w: jax.Array, g: jax.Array) -> list[jax.Array]:
        local: Any = jax.shard_map(
            lambda x, w, sizes: grouped_matmul(x, w, sizes[0]),
            mesh=mesh,
            in_specs=specs,
            out_specs=jax.P("data"),
            check_vma=check_vma,
        )
        out, pull = jax.vjp(lambda x, w: local(x, w, jnp.array(sizes, jnp.int32)), x, w)
        return [out, *pull(g)]

    half = ROWS // 2
    first, second = (
        one_by_one(x[rows], w, g[rows], sizes[n]) for n, rows in enumerate((slice(half), slice(half, None)))
    )
    expected = [np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]]), first[2] + second[2]]
    for result, oracle in zip(split(x, w, g), expected, strict=True):
        np.testing.assert_allclose(result, oracle, atol=1e-4, rtol=1e-5)


def test_auto_is_ragged_on_a_cpu() -> None:
    x, w, _ = inputs(jnp.float32)
    sizes = jnp.array([50, 60, 70, 1, 100], jnp.int32)
    np.testing.assert_array_equal(grouped_matmul(x, w, sizes), grouped_matmul(x, w, sizes, backend="ragged"))


def test_a_hopper_gpu_takes_our_kernel() -> None:
    assert choose(device("gpu", "9.0"), BF16, (4096, 14336)) == "hopper"


@pytest.mark.parametrize(
    ("platform", "capability", "dtype", "matrix", "reason"),
    [
        ("gpu", "8.0", BF16, (4096, 14336), r"needs compute capability 9\.0 \(H100, H200\), not 8\.0"),
        ("rocm", "", BF16, (4096, 14336), "not rocm"),
        ("cuda", "9.0", jnp.dtype(jnp.float32), (4096, 14336), "takes bfloat16, not float32"),
        ("gpu", "9.0", BF16, (4096, 14300), "multiples of 128, not 4096 x 14300"),
    ],
)
def test_no_gpu_falls_back_to_something_slow(
    platform: str, capability: str, dtype: Any, matrix: tuple[int, int], reason: str
) -> None:
    with pytest.raises(InputError, match=f"no backend of grouped matmul serves this GPU: hopper .*{reason}"):
        choose(device(platform, capability), dtype, matrix)


def test_the_kernel_refuses_what_it_does_not_take() -> None:
    x, w, _ = inputs(BF16)
    with pytest.raises(
        InputError, match="the backend hopper takes matrices whose sides are multiples of 128, not 8 x 12"
    ):
        grouped_matmul(x, w, jnp.zeros(EXPERTS, jnp.int32), backend="hopper")
