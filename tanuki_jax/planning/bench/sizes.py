"""Sizes of the benchmarks: `full` for an accelerator, `small` for a laptop and the tests."""

import dataclasses

from tanuki_jax.config.model import Model


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sizes:
    """Shapes of all benchmarks."""

    seconds: float
    """Time on the clock for each variant, in seconds."""
    matmul: int
    """Side of the square matrix product that measures the ceiling."""
    tokens: int
    """Tokens of a batch, for attention, cross-entropy and experts."""
    times: tuple[int, ...]
    """T of rows with one document; the targets use the first one."""
    document: int
    """Mean length in tokens of a document in packed rows, whose T is the first of `times`."""
    packed_rows: int
    """Number of packed rows: more than rows of one document, so that a few long documents do not dominate the work."""
    head_dims: tuple[int, ...]
    model: Model
    """Model whose shapes are used."""
    experts: int
    choices: int
    """Experts of each token."""
    layers: tuple[int, int]
    """Depths at which a step is timed; the depth of `model` is extrapolated from them."""
    rows: tuple[int, ...]
    """Rows of T = times[0] in a step."""
    loader_rows: tuple[tuple[int, int], ...]
    """Rows and T of the loader's batches."""
    stored_tokens: int
    """Tokens of the loader's store."""


SIZES = {
    "full": Sizes(
        seconds=0.5,
        matmul=8192,
        tokens=16_384,
        times=(8192, 2048, 4096, 16_384),
        document=1024,
        packed_rows=8,
        head_dims=(128, 64),
        model=Model(vocabulary=65_024, width=4096, hidden=14_336, layers=32, heads=32, kv_heads=8, initial_std=0.008),
        experts=8,
        choices=2,
        layers=(2, 4),
        rows=(1, 2, 4),
        loader_rows=((64, 2048), (32, 8192)),
        stored_tokens=50_000_000,
    ),
    "small": Sizes(
        seconds=0.02,
        matmul=128,
        tokens=256,
        times=(128, 64),
        document=32,
        packed_rows=2,
        head_dims=(64,),
        model=Model(vocabulary=384, width=64, hidden=128, layers=4, heads=4, kv_heads=2),
        experts=4,
        choices=2,
        layers=(1, 2),
        rows=(1,),
        loader_rows=((8, 128),),
        stored_tokens=20_000,
    ),
}
