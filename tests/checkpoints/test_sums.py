"""Sums of bits: computed by hand, on any mesh, and changed by faults of an array."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.checkpoints.sums import host_sum, names, sums
from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.parallel.mesh import make_mesh

DTYPES = [jnp.bfloat16, jnp.float32, jnp.uint8, jnp.bool]


def by_definition(bits: list[int]) -> int:
    """Compute the sum with Python's integers, and the finalizer as Appleby wrote it."""
    total = 0
    for position, word in enumerate(bits):
        h = (word + position * 0x9E3779B9) % 2**32
        h ^= h >> 16
        h = h * 0x85EBCA6B % 2**32
        h ^= h >> 13
        h = h * 0xC2B2AE35 % 2**32
        h ^= h >> 16
        total += h
    return total % 2**32


def array(dtype: Any) -> jax.Array:
    return (7 * jax.random.normal(jax.random.key(0), (2, 16, 24))).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: jnp.dtype(dtype).name)
def test_sums_follow_the_definition_on_any_mesh_and_on_the_host(dtype: Any) -> None:
    full = array(dtype)
    bits = np.asarray(full).reshape(-1).view(f"uint{8 * full.dtype.itemsize}").tolist()
    layouts = {
        Layout(fsdp=8): P(None, "fsdp"),
        Layout(fsdp=2, tensor=4): P(None, "tensor", "fsdp"),
        Layout(stage=2, fsdp=4): P("stage", None, "fsdp"),
        Layout(data=8): P(),
    }
    placed = {
        str(number): jax.device_put(full, NamedSharding(make_mesh(layout), spec))
        for number, (layout, spec) in enumerate(layouts.items())
    }
    computed = [sums({name: value})[name] for name, value in placed.items()]
    assert computed == [by_definition(bits)] * len(layouts)
    assert host_sum(np.asarray(full)) == by_definition(bits)


def test_elements_of_four_bits_count_as_numbers() -> None:
    assert sums({"codes": jnp.asarray([3, 15], jnp.uint4)}) == {"codes": by_definition([3, 15])}


def test_sums_of_parts_and_of_blocks_add_up() -> None:
    full = np.asarray(array(jnp.float32))
    expected = host_sum(full)
    assert host_sum(full, block=100) == expected
    assert (host_sum(full[0]) + host_sum(full[1], 16 * 24, block=100)) % 2**32 == expected


def test_arrays_are_named_by_their_paths() -> None:
    tree = {"base": {"blocks": {"q": jnp.ones(2)}}, "optimizer": [jnp.zeros(()), np.int32(3)]}
    assert names(tree) == ["base.blocks.q", "optimizer.0", "optimizer.1"]
    assert sums(tree) == {
        "base.blocks.q": by_definition([0x3F800000] * 2),
        "optimizer.0": 0,
        "optimizer.1": by_definition([3]),
    }


@given(st.data())
def test_a_flipped_bit_swapped_elements_and_shifted_rows_change_the_sum(data: st.DataObject) -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, (8, 8), dtype=np.uint32)
    expected = host_sum(bits)
    changed = bits.copy()
    index = data.draw(st.tuples(st.integers(0, 7), st.integers(0, 7)))
    changed[index] ^= np.uint32(1) << np.uint32(data.draw(st.integers(0, 31)))
    assert host_sum(changed) != expected
    changed = bits.copy()
    other = data.draw(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda other: other != index))
    changed[index], changed[other] = bits[other], bits[index]
    assert host_sum(changed) != expected
    assert host_sum(np.roll(bits, data.draw(st.integers(1, 7)), axis=0)) != expected


def test_a_value_and_its_negative_swapped_change_the_sum() -> None:
    """Their bits differ by 2^31, which multiplication with any even factor would lose."""
    x = np.array([1.5, -1.5, 0.0, -0.0], np.float32)
    orders = ([0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3, 2], [0, 1, 2, 2])
    assert len({host_sum(x[order]) for order in orders}) == 4
