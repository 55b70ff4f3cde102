"""The threads of a Hopper block, two warpgroups that compute and in most kernels one that copies, and their memory."""

from typing import Any

from jax.experimental.pallas import mosaic_gpu as plgpu

COMPUTE_GROUPS = 2
"""Warpgroups that compute."""
ROWS = 64
"""Rows of the output of one warpgroup: the rows of a `wgmma`."""
COMPUTE_REGISTERS, COPY_REGISTERS = 240, 24
"""Registers of a thread that computes and of one in a third warpgroup, which copies: 2 x 240 + 24 of 512."""
ATOM = 64
"""16-bit elements in a row of shared memory: the width of a swizzle of 128 bytes."""
TILE = 8
"""Rows that the tensor cores read together."""


def swizzled(shape: tuple[int, ...], dtype: Any, rows: int = TILE) -> Any:
    """Return a type of shared memory for 16-bit elements, which the copy engine accesses in tiles of `rows` rows."""
    transforms = (plgpu.TilingTransform((rows, ATOM)), plgpu.SwizzleTransform(128))  # type: ignore[abstract]
    return plgpu.SMEM(shape, dtype, transforms=transforms)
