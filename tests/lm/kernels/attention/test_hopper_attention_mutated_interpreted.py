"""Kernels of attention with one wait removed, or one slot read for another: the interpreter must notice each."""

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from tanuki_jax.lm.kernels.attention import hopper_block, hopper_dkdv, hopper_dq, hopper_forward
from tanuki_jax.lm.kernels.attention.hopper_block import BLOCK_ROWS, BackwardInputs, TileRing
from tanuki_jax.lm.kernels.attention.intervals import intervals, key_tiles, query_tiles
from tests.lm.kernels.mosaic_interpreter import RACE, interpreted
from tests.lm.kernels.mutation import mutated

pytestmark = pytest.mark.thorough

FORWARD_FREE = "pl.when(step >= ring.stages)(functools.partial(plgpu.barrier_wait, free.at[slot]))"
"""Wait of the forward kernel before a slot is filled again."""
BACKWARD_FREE = "plgpu.barrier_wait(free.at[lax.rem(step, stages)])"
"""Wait of both backward kernels before a slot is filled again."""
FENCE = "plgpu.commit_smem()  # orders loads before copies"


def run(module: Any) -> None:
    """Run the kernel of a module on one causal row of one block, with tiles that use every slot at least twice."""
    q, k, v, d_out = jax.random.normal(jax.random.key(0), (4, 1, BLOCK_ROWS, 1, 64), jnp.bfloat16)
    ids, positions = jnp.ones((1, BLOCK_ROWS), jnp.int32), jnp.arange(BLOCK_ROWS)[None]
    visible = intervals(ids, ids, positions, positions, causal=True, window=None)
    key_range, keys, queries = jnp.stack(visible, axis=1), TileRing(rows=32, stages=2), TileRing(rows=16, stages=4)
    with interpreted():
        if hasattr(module, "forward"):
            result = module.forward(q, k, v, key_range, key_tiles(visible, BLOCK_ROWS, keys.rows), keys)
        else:
            inputs = BackwardInputs(q, k, v, d_out, jnp.zeros((1, 1, 2, BLOCK_ROWS)), key_range)
            if hasattr(module, "query_gradient"):
                result = module.query_gradient(inputs, key_tiles(visible, BLOCK_ROWS, keys.rows), keys)
            else:
                result = module.key_gradients(
                    inputs, query_tiles(visible, queries.rows, BLOCK_ROWS, BLOCK_ROWS), queries
                )
        jax.block_until_ready(result)


@pytest.mark.parametrize("module", [hopper_forward, hopper_dq, hopper_dkdv], ids=lambda module: module.__name__[-4:])
def test_a_kernel_that_waits_has_no_race(module: ModuleType) -> None:
    run(module)


@pytest.mark.parametrize(
    ("module", "source", "line"),
    [
        (hopper_forward, hopper_forward, FORWARD_FREE),
        (hopper_forward, hopper_forward, "plgpu.barrier_wait(shared.q_ready)"),
        (hopper_forward, hopper_forward, "plgpu.barrier_wait(shared.k_ready.at[slot])"),
        (hopper_forward, hopper_forward, "plgpu.barrier_wait(shared.v_ready.at[slot])"),
        (hopper_dq, hopper_block, BACKWARD_FREE),
        (hopper_dq, hopper_dq, "plgpu.barrier_wait(shared.block_ready)"),
        (hopper_dq, hopper_dq, "plgpu.barrier_wait(shared.k_ready.at[slot])"),
        (hopper_dq, hopper_dq, "plgpu.barrier_wait(shared.v_ready.at[slot])"),
        (hopper_dkdv, hopper_block, BACKWARD_FREE),
        (hopper_dkdv, hopper_dkdv, "plgpu.barrier_wait(shared.block_ready)"),
        (hopper_dkdv, hopper_dkdv, "plgpu.barrier_wait(shared.q_ready.at[slot])"),
        (hopper_dkdv, hopper_dkdv, "plgpu.barrier_wait(shared.d_out_ready.at[slot])"),
        (hopper_dkdv, hopper_dkdv, FENCE),
    ],
)
def test_a_kernel_without_one_of_its_waits_is_caught(module: ModuleType, source: ModuleType, line: str) -> None:
    with pytest.raises(jax.errors.JaxRuntimeError, match=RACE):
        run(mutated(module, line, source=source))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        (hopper_forward, "plgpu.wgmma(scores, q, shared.k.at[slot].transpose((1, 0)))"),
        (hopper_dq, "plgpu.wgmma(scores_ref, shared.q.at[rows], shared.k.at[slot].transpose((1, 0)))"),
        (hopper_dkdv, "plgpu.wgmma(scores_ref, shared.k.at[rows], shared.q.at[slot].transpose((1, 0)))"),
    ],
)
def test_a_kernel_that_reads_another_slot_is_caught(module: ModuleType, line: str) -> None:
    with pytest.raises(jax.errors.JaxRuntimeError, match=RACE):
        run(mutated(module, line, replacement=line.replace("slot", "slot - slot")))
