"""Sums of the bits of arrays, the same on any mesh and in a file: they say whether an array is still the one that was saved.

An element's bits, as a number, plus its place in the array times an odd constant, go through the finalizer of MurmurHash3 (Appleby 2011),
a bijection of 32 bits; these are added up modulo 2^32. Any change of one element changes the sum for certain. A change of several, as when
two are swapped, rows are shifted or a part is zero, is missed once in 2^32, but for two elements swapped over a multiple of 2^32 places.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

_PLACE = 0x9E3779B9
"""Odd: 2^32 over the golden ratio."""
_MIX = ((16, 0x85EBCA6B), (13, 0xC2B2AE35))
_BLOCK = 1 << 18
"""Elements that the host sums at a time, so that what it computes with them stays in its caches."""


def names(tree: Any) -> list[str]:
    """Dotted paths of a tree's leaves, in its order."""
    return [
        jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in jax.tree_util.tree_leaves_with_path(tree)
    ]


def summed(tree: Any) -> dict[str, jax.Array]:
    """The sum of every array of a tree as a uint32[] on its devices, by dotted path; returns before they are computed.

    Arrays may lie on several processes, all of which have to call it. Elements have at most 32 bits.
    """
    return dict(zip(names(tree), _device_sums(jax.tree.leaves(tree)), strict=True))


def sums(tree: Any) -> dict[str, int]:
    """What `summed` gives, on the host."""
    return {name: int(found) for name, found in jax.device_get(summed(tree)).items()}


@jax.jit
def _device_sums(arrays: list[jax.Array]) -> list[jax.Array]:
    return [device_sum(array) for array in arrays]


def device_sum(array: jax.Array) -> jax.Array:
    """The sum of an array as a uint32[], to be jitted."""
    unsigned = array.dtype == jnp.bool or jnp.issubdtype(array.dtype, jnp.unsignedinteger)  # among them those of 4 bits
    bits = array if unsigned else jax.lax.bitcast_convert_type(array, f"uint{8 * array.dtype.itemsize}")
    mixed, stride = bits.astype(jnp.uint32), 1
    for dim in reversed(range(array.ndim)):
        place = jax.lax.broadcasted_iota(jnp.uint32, array.shape, dim)
        mixed += place * np.uint32(_PLACE * stride % 2**32)
        stride *= array.shape[dim]
    for shift, factor in _MIX:
        mixed = (mixed ^ (mixed >> shift)) * np.uint32(factor)
    return (mixed ^ (mixed >> 16)).sum(dtype=jnp.uint32)


def host_sum(array: npt.NDArray[Any], start: int = 0) -> int:
    """The sum of an array on the host.

    Args:
        array: all of it, or a part whose elements follow each other.
        start: place of the first one in the whole array.
    """
    bits = np.ascontiguousarray(array).reshape(-1).view(f"uint{8 * array.dtype.itemsize}")
    places = np.arange(min(_BLOCK, len(bits)), dtype=np.uint32) * np.uint32(_PLACE)
    total = 0
    for first in range(0, len(bits), _BLOCK):
        mixed = bits[first : first + _BLOCK].astype(np.uint32)
        mixed += places[: len(mixed)]
        mixed += np.uint32((start + first) * _PLACE % 2**32)
        for shift, factor in _MIX:
            mixed ^= mixed >> shift
            mixed *= np.uint32(factor)
        mixed ^= mixed >> 16
        total += int(mixed.sum(dtype=np.uint64))
    return total % 2**32
