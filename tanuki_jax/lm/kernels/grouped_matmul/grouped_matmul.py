"""Rows sorted by expert, each times the matrix of its expert: one signature, several backends."""

import functools
from typing import Literal, Protocol

import jax
import jax.numpy as jnp

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.grouped_matmul import hopper_grouped_matmul as hopper
from tanuki_jax.lm.kernels.grouped_matmul import ragged
from tanuki_jax.lm.kernels.grouped_matmul.reference_grouped_matmul import reference
from tanuki_jax.lm.kernels.varying import varying

Backend = Literal["auto", "reference", "ragged", "hopper"]


class Products(Protocol):
    """The two products that a backend computes; values and gradients follow from them."""

    def rows(self, x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array, *, transposed: bool) -> jax.Array:
        """Multiply each row by the matrix of its expert, or by its transpose; 0 beyond the groups."""

    def weights(self, x_td: jax.Array, g_tf: jax.Array, group_sizes_e: jax.Array) -> jax.Array:
        """Return [E, D, F], of any type, summed in float32: x^T g over the rows of each group."""


PRODUCTS: dict[str, Products] = {"ragged": ragged, "hopper": hopper}


def grouped_matmul(
    x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array, *, backend: Backend = "auto"
) -> jax.Array:
    """Multiply the first `group_sizes_e[0]` rows of x by w[0], the next `group_sizes_e[1]` by w[1], and so on.

    Sums are float32, results and gradients have the type of x and w. The values of rows beyond the last group do not
    matter (only `reference` needs them finite); their results and gradients are 0, as is the gradient of a matrix whose
    group is empty.

    Args:
        x_td: [T, D], sorted by expert.
        w_edf: [E, D, F], of the type of x.
        group_sizes_e: int32[E], of any size, 0 included; their sum is at most T.
        backend: `reference` is float32 and multiplies every row by every expert; `ragged` is for CPUs and TPUs;
            `hopper` takes bfloat16, and D and F that are multiples of 128; `auto` is the one that `choose` returns for
            the first device.

    Returns:
        [T, F] in the type of x.

    Raises:
        InputError: `hopper` does not take this type or shape, or `choose` finds no backend for this device.
    """
    assert x_td.dtype == w_edf.dtype, (x_td.dtype, w_edf.dtype)
    dtype, matrix = x_td.dtype, w_edf.shape[1:]
    if backend == "auto":
        backend = choose(jax.devices()[0], dtype, matrix)
    if backend == "reference":
        return reference(x_td, w_edf, group_sizes_e)
    if backend == "hopper" and (why := hopper.refusal(dtype, matrix)):
        raise InputError(f"grouped matmul: the backend hopper {why}")
    arrays = (x_td, w_edf, group_sizes_e)
    return _grouped(backend, *(varying(array, *arrays) for array in arrays))


def choose(device: jax.Device, dtype: jnp.dtype, matrix: tuple[int, ...]) -> Literal["ragged", "hopper"]:
    """Return the backend for a device and an expert's matrix [D, F]: `hopper` on GPUs, `ragged` elsewhere.

    InputError where a GPU cannot use `hopper`: the others are slow there.
    """
    platform, capability = device.platform, str(getattr(device, "compute_capability", ""))
    if platform not in ("gpu", "cuda", "rocm"):
        return "ragged"
    why = (
        hopper.refusal(dtype, matrix)
        if capability == "9.0"
        else f"needs compute capability 9.0 (H100, H200), not {capability or platform}"
    )
    if why:
        raise InputError(f"no backend of grouped matmul serves this GPU: hopper {why}")
    return "hopper"


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _grouped(backend: str, x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array) -> jax.Array:
    return varying(PRODUCTS[backend].rows(x_td, w_edf, group_sizes_e, transposed=False), x_td)


def _forward(
    backend: str, x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array, jax.Array]]:
    return _grouped(backend, x_td, w_edf, group_sizes_e), (x_td, w_edf, group_sizes_e)


def _backward(
    backend: str, saved: tuple[jax.Array, jax.Array, jax.Array], g_tf: jax.Array
) -> tuple[jax.Array, jax.Array, None]:
    x_td, w_edf, group_sizes_e = saved
    products = PRODUCTS[backend]
    x_gradient = products.rows(g_tf, w_edf, group_sizes_e, transposed=True)
    w_gradient = products.weights(x_td, g_tf, group_sizes_e).astype(w_edf.dtype)
    return varying(x_gradient, x_td), varying(w_gradient, w_edf), None


_grouped.defvjp(_forward, _backward)
