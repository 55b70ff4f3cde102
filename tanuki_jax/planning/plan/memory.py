"""Peak memory of a step on one device, from the compiler's analysis and the sharding rules."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from tanuki_jax.config.hardware import Hardware
from tanuki_jax.planning.plan.plan_results import Memory


def split(compiled: Any, state: Any, kept: int, hardware: Hardware) -> Memory:
    """Split the peak memory of a step into its parts.

    The peak is what the compiler allocates: arguments and results (which share their buffers, since the state is
    donated) and one buffer for all values in between. Frozen weights, parameters and optimizer are exact. Activations
    are the arrays that the forward pass stacks for the backward pass; all of them exist at its start. Temporaries are
    the rest.

    Args:
        compiled: the step.
        state: its train state, whose leaves have shape, dtype and sharding.
        kept: bytes that the forward pass stacks.
        hardware: the device, for its memory and margin.
    """
    analysis = compiled.memory_analysis()
    assert analysis is not None, "the compiler reports no memory of the step"
    peak = (
        analysis.argument_size_in_bytes
        + analysis.output_size_in_bytes
        - analysis.alias_size_in_bytes
        + analysis.temp_size_in_bytes
    )
    frozen, parameters = held(state.get("frozen", {})), held(state["parameters"])
    optimizer = held({name: part for name, part in state.items() if name not in ("frozen", "parameters")})
    activations = min(kept, peak - frozen - parameters - optimizer)
    return Memory(
        frozen=frozen,
        parameters=parameters,
        optimizer=optimizer,
        activations=activations,
        temporaries=peak - frozen - parameters - optimizer - activations,
        margin=round(hardware.margin_share * hardware.memory_bytes),
        capacity=hardware.memory_bytes,
        host=analysis.host_argument_size_in_bytes
        + analysis.host_output_size_in_bytes
        - analysis.host_alias_size_in_bytes
        + analysis.host_temp_size_in_bytes,
    )


def held(tree: Any) -> int:
    """Return the bytes of a tree's arrays on one device."""
    return sum(array_bytes(leaf.sharding.shard_shape(leaf.shape), leaf.dtype) for leaf in jax.tree.leaves(tree))


def array_bytes(shape: Sequence[int], dtype: Any) -> int:
    """Return the bytes of an array on a device, where two 4-bit values share a byte."""
    bits = 4 if jnp.dtype(dtype).name in ("int4", "uint4") else 8 * jnp.dtype(dtype).itemsize
    return math.prod(shape) * bits // 8
