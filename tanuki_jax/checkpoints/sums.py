"""Sums of the bits of arrays, equal on any mesh and in a file, which tell whether an array is still the one saved.

The bits of each element, as a number, plus its position in the array times an odd constant, pass through the finalizer
of MurmurHash3 (Appleby 2011), a bijection of 32 bits; the results are added modulo 2^32. A change of one element always
changes the sum. A change of several, as when two are swapped, rows are shifted or a part is zero, is missed once in
2^32, except for two elements swapped over a multiple of 2^32 positions.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

_POSITION = 0x9E3779B9
"""Odd: 2^32 over the golden ratio."""
_MIX = ((16, 0x85EBCA6B), (13, 0xC2B2AE35))
_BLOCK = 1 << 18
"""Number of elements that the host sums at a time: the intermediate arrays stay in its caches."""


def names(tree: Any) -> list[str]:
    """Return the dotted paths of a tree's leaves, in its order."""
    return [
        jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in jax.tree_util.tree_leaves_with_path(tree)
    ]


def summed(tree: Any) -> dict[str, jax.Array]:
    """Return the sum of every array of a tree as a uint32[] on its devices, by dotted path, before it is computed.

    Arrays may be sharded over several processes, all of which must call it. Elements have at most 32 bits.
    """
    return dict(zip(names(tree), _device_sums(jax.tree.leaves(tree)), strict=True))


def sums(tree: Any) -> dict[str, int]:
    """Return the sum of every array of a tree on the host, by dotted path."""
    return {name: int(value) for name, value in jax.device_get(summed(tree)).items()}


@jax.jit
def _device_sums(arrays: list[jax.Array]) -> list[jax.Array]:
    return [device_sum(array) for array in arrays]


def device_sum(array: jax.Array) -> jax.Array:
    """Return the sum of an array as a uint32[]; to be jitted."""
    unsigned = array.dtype == jnp.bool or jnp.issubdtype(array.dtype, jnp.unsignedinteger)  # also uint4
    bits = array if unsigned else jax.lax.bitcast_convert_type(array, f"uint{8 * array.dtype.itemsize}")
    mixed, stride = bits.astype(jnp.uint32), 1
    for dim in reversed(range(array.ndim)):
        position = jax.lax.broadcasted_iota(jnp.uint32, array.shape, dim)
        mixed += position * np.uint32(_POSITION * stride % 2**32)
        stride *= array.shape[dim]
    for shift, factor in _MIX:
        mixed = (mixed ^ (mixed >> shift)) * np.uint32(factor)
    return (mixed ^ (mixed >> 16)).sum(dtype=jnp.uint32)


def host_sum(array: npt.NDArray[Any], start: int = 0, *, block: int = _BLOCK) -> int:
    """Return the sum of an array on the host.

    Args:
        array: the full array, or a contiguous part of it.
        start: position of its first element in the full array.
        block: number of elements that are summed at a time.
    """
    bits = np.ascontiguousarray(array).reshape(-1).view(f"uint{8 * array.dtype.itemsize}")
    positions = np.arange(min(block, len(bits)), dtype=np.uint32) * np.uint32(_POSITION)
    total = 0
    for first in range(0, len(bits), block):
        mixed = bits[first : first + block].astype(np.uint32)
        mixed += positions[: len(mixed)]
        mixed += np.uint32((start + first) * _POSITION % 2**32)
        for shift, factor in _MIX:
            mixed ^= mixed >> shift
            mixed *= np.uint32(factor)
        mixed ^= mixed >> 16
        total += int(mixed.sum(dtype=np.uint64))
    return total % 2**32
