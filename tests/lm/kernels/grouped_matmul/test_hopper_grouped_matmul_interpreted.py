"""The Hopper kernels in the interpreter, with its race detector: several tiles each way, groups that end in tiles."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest

from tanuki_jax.lm.kernels.grouped_matmul import hopper_grouped_matmul as hopper
from tanuki_jax.lm.kernels.grouped_matmul import hopper_rows, hopper_weights
from tanuki_jax.lm.kernels.grouped_matmul.hopper_pipeline import ProductTile
from tanuki_jax.lm.kernels.grouped_matmul.schedule import row_tiles, token_tiles
from tests.lm.kernels.mosaic_interpreter import interpreted

pytestmark = pytest.mark.thorough

TILES = [dataclasses.replace(tile, blocks=2) for tile in hopper.TILES]
"""Tiles as compiled, but for fewer blocks, so that each has several units one after another."""
SIZES = [131, 0, 5, 70]
ROWS, BEYOND = 264, slice(206, None)


def run(program: Callable[..., jax.Array], *arrays: jax.Array) -> npt.NDArray[np.float64]:
    with interpreted():
        return np.asarray(jax.jit(program)(*arrays), np.float64)


def normal(key: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(key), shape, jnp.bfloat16)


def per_expert(x: jax.Array, sizes: list[int]) -> list[npt.NDArray[np.float64]]:
    return np.split(np.asarray(x, np.float64), np.cumsum(sizes))[: len(sizes)]


@pytest.mark.parametrize("tile", TILES, ids=lambda tile: f"{tile.columns} columns")
@pytest.mark.parametrize("transposed", [False, True])
def test_rows_times_the_matrix_of_their_expert(tile: ProductTile, transposed: bool) -> None:
    depth, columns = 2 * tile.depth, 2 * tile.columns
    steps = 2 * 2 * int(row_tiles(jnp.array(SIZES), ROWS, tile.rows).busy[0]) // tile.blocks
    assert steps >= 2 * tile.stages, "every slot of the ring is filled again"
    x = normal(0, ROWS, depth).at[BEYOND].set(jnp.nan)
    w = normal(1, len(SIZES), *((columns, depth) if transposed else (depth, columns)))
    got = run(lambda x, w: hopper_rows.rows(x, w, jnp.array(SIZES), tile, transposed=transposed), x, w)
    matrices = np.asarray(w.mT if transposed else w, np.float64)
    expected = [rows @ matrix for rows, matrix in zip(per_expert(x, SIZES), matrices, strict=True)]
    np.testing.assert_allclose(got[: BEYOND.start], np.concatenate(expected), atol=1e-4, rtol=2**-8)
    assert not got[BEYOND].any()


@pytest.mark.parametrize("tile", TILES, ids=lambda tile: f"{tile.columns} columns")
def test_the_gradient_of_the_matrices_sums_over_the_rows_of_each(tile: ProductTile) -> None:
    steps = 2 * 2 * int(token_tiles(jnp.array(SIZES), tile.depth).steps.sum()) // tile.blocks
    assert steps >= 2 * tile.stages, "every slot of the ring is filled again"
    x, g = (normal(key, ROWS, 2 * width).at[BEYOND].set(jnp.nan) for key, width in ((2, tile.rows), (3, tile.columns)))
    got = run(lambda x, g: hopper_weights.weights(x, g, jnp.array(SIZES), tile), x, g)
    expected = [rows.T @ slope for rows, slope in zip(per_expert(x, SIZES), per_expert(g, SIZES), strict=True)]
    np.testing.assert_allclose(got, np.stack(expected), atol=1e-4, rtol=2**-8)


def test_products_of_fewer_rows_than_a_tile() -> None:
    sizes = [3, 0, 40]
    x, w, g = normal(4, 45, 128), normal(5, 3, 128, 128), normal(6, 45, 128)

    def program(x: jax.Array, w: jax.Array, g: jax.Array) -> jax.Array:
        out = hopper.rows(x, w, jnp.array(sizes), transposed=False, tiles=TILES)
        x_gradient = hopper.rows(g, w, jnp.array(sizes), transposed=True, tiles=TILES)
        return jnp.concatenate([out, x_gradient, *hopper.weights(x, g, jnp.array(sizes), tiles=TILES)])

    matrices = np.asarray(w, np.float64)
    xs, gs, none = per_expert(x, sizes), per_expert(g, sizes), np.zeros((2, 128))
    out = [rows @ matrix for rows, matrix in zip(xs, matrices, strict=True)]
    x_gradient = [slope @ matrix.T for slope, matrix in zip(gs, matrices, strict=True)]
    w_gradient = [rows.T @ slope for rows, slope in zip(xs, gs, strict=True)]
    expected = np.concatenate([*out, none, *x_gradient, none, *w_gradient])
    np.testing.assert_allclose(run(program, x, w, g), expected, atol=1e-4, rtol=2**-8)
