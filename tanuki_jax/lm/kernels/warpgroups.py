"""What the Hopper kernels share: two warpgroups that compute, perhaps one that copies, and the shared memory that they use."""

from typing import Any

from jax.experimental.pallas import mosaic_gpu as plgpu

COMPUTE_GROUPS = 2
"""Warpgroups that compute."""
ROWS = 64
"""Rows of the output of one warpgroup: the rows of a `wgmma`."""
COMPUTE_REGISTERS, COPY_REGISTERS = 240, 24
"""Registers of a thread that computes, and of one of a third warpgroup, which copies: 2 x 240 + 24 of the 512 that the three share."""
ATOM = 64
"""Elements in a row of shared memory: what a swizzle of 128 bytes spans."""
TILE = 8
"""Rows that the tensor cores read together."""


def swizzled(shape: tuple[int, ...], dtype: Any, rows: int = TILE) -> Any:
    """Shared memory of 16-bit elements that the copy engine fills or empties in tiles of so many rows."""
    transforms = (plgpu.TilingTransform((rows, ATOM)), plgpu.SwizzleTransform(128))  # type: ignore[abstract]
    return plgpu.SMEM(shape, dtype, transforms=transforms)
