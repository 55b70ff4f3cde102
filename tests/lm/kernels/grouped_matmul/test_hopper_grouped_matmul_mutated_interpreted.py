"""Kernels of the grouped matmul with one wait removed, or one slot read for another: each must be noticed."""

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.lm.kernels.grouped_matmul import hopper_pipeline, hopper_rows, hopper_weights
from tanuki_jax.lm.kernels.grouped_matmul.hopper_pipeline import ProductTile
from tests.lm.kernels.mosaic_interpreter import RACE, interpreted
from tests.lm.kernels.mutation import mutated

pytestmark = pytest.mark.thorough

FREE = "pl.when(first_step + step >= ring.stages)(lambda: plgpu.barrier_wait(ring.free.at[slot]))"
TILE = ProductTile(columns=192, depth=64, stages=2, blocks=1)
"""Tile with which a sum of 256 terms uses both stages twice, and three pieces of output use two slots."""


def run(module: Any) -> None:
    """Run the kernel of a module on one expert and one tile of the output."""
    terms = 2 * TILE.stages * TILE.depth
    x, y = jnp.ones((terms, TILE.rows), jnp.bfloat16), jnp.ones((terms, TILE.columns), jnp.bfloat16)
    with interpreted():
        if hasattr(module, "rows"):
            result = module.rows(x.T, y[None], jnp.array([TILE.rows]), TILE, transposed=False)
        else:
            result = module.weights(x, y, jnp.array([terms]), TILE)
        assert (np.asarray(result) == terms).all()


@pytest.mark.parametrize("module", [hopper_rows, hopper_weights])
def test_a_kernel_that_waits_has_no_race(module: ModuleType) -> None:
    run(module)


@pytest.mark.parametrize("module", [hopper_rows, hopper_weights])
@pytest.mark.parametrize(
    "line",
    [
        FREE,
        "plgpu.barrier_wait(ring.ready.at[slot])",
        "plgpu.wgmma_wait(1)",
        "plgpu.wait_smem_to_gmem(number - 1, wait_read_only=True)",
    ],
)
def test_a_kernel_without_one_of_its_waits_is_caught(module: ModuleType, line: str) -> None:
    with pytest.raises(jax.errors.JaxRuntimeError, match=RACE):
        run(mutated(module, line, source=hopper_pipeline))


@pytest.mark.parametrize("module", [hopper_rows, hopper_weights])
def test_a_kernel_that_reads_another_slot_is_caught(module: ModuleType) -> None:
    line = "plgpu.wgmma(acc, left(slot), right(slot))"
    with pytest.raises(jax.errors.JaxRuntimeError, match=RACE):
        run(mutated(module, line, source=hopper_pipeline, replacement=line.replace("slot", "slot - slot")))
