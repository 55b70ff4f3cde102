"""The Hopper kernels' arithmetic, in the Mosaic-GPU interpreter with its race detector, against float64.

Every tile and head dim that is compiled has a case of two tiles or more each way, and every number of query heads a key
head.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.hopper_attention import TILES, Tiles, hopper
from tanuki_jax.lm.kernels.attention.hopper_block import BLOCK_ROWS, TileRing
from tanuki_jax.lm.kernels.attention.intervals import Bounds, intervals, key_tiles, query_tiles
from tanuki_jax.lm.kernels.attention.operands import Operands
from tests.lm.kernels.attention.mask import visible
from tests.lm.kernels.leak import differentiated, leaks, rows
from tests.lm.kernels.mosaic_interpreter import interpreted

pytestmark = pytest.mark.thorough

type Array64 = npt.NDArray[np.float64]

ROUNDING = 2.0**-8
"""Relative rounding error of bfloat16: the weights are rounded once, the result once at the end."""
NAMES = ("out", "lse", "dq", "dk", "dv")


def arrays(seed: int, batch: int, time: int, heads: tuple[int, int], dim: int) -> list[jax.Array]:
    """Return q, k, v, and the cotangents of the output and of the log-sum-exp."""
    keys = jax.random.split(jax.random.key(seed), 5)
    numbers = (heads[0], heads[1], heads[1], heads[0])
    operands = [
        jax.random.normal(key, (batch, time, number, dim), jnp.bfloat16)
        for key, number in zip(keys, numbers, strict=False)
    ]
    return [*operands, jax.random.normal(keys[4], (batch, time, heads[0]))]


def with_gradients(
    attend: Callable[..., Any], q: jax.Array, k: jax.Array, v: jax.Array, g: jax.Array, g_lse: jax.Array
) -> list[jax.Array]:
    (out, lse), pull_back = jax.vjp(attend, q, k, v)
    return [out, lse, *pull_back((g, g_lse))]


def in_float64(
    mask: npt.NDArray[np.bool_], q: Array64, k: Array64, v: Array64, g: Array64, g_lse: Array64
) -> list[Array64]:
    """Compute attention and its gradients written out; arrays are [B, T, H, D]."""
    group, scale = q.shape[2] // k.shape[2], q.shape[3] ** -0.5
    k_all, v_all = (np.repeat(x, group, axis=2) for x in (k, v))
    scores = np.where(mask[:, None], np.einsum("bthd,bshd->bhts", q, k_all) * scale, -np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        lse = np.logaddexp.reduce(scores, axis=3, keepdims=True)
        weights = np.where(mask[:, None], np.exp(scores - lse), 0)
    out = np.einsum("bhts,bshd->bthd", weights, v_all)
    d_weights = np.einsum("bthd,bshd->bhts", g, v_all) - np.moveaxis((out * g).sum(-1) - g_lse, 2, 1)[..., None]
    d_scores = weights * d_weights * scale
    dk, dv = np.einsum("bhts,bthd->bshd", d_scores, q), np.einsum("bhts,bthd->bshd", weights, g)
    dk, dv = (x.reshape(*k.shape[:3], group, -1).sum(3) for x in (dk, dv))
    return [out, np.moveaxis(lse[..., 0], 1, 2), np.einsum("bhts,bshd->bthd", d_scores, k_all), dk, dv]


@pytest.mark.parametrize(
    ("documents", "time", "heads", "dim", "causal", "window"),
    [
        pytest.param([[100, 1, 29, 90]], 231, (4, 1), 128, True, None, marks=pytest.mark.long),
        pytest.param([[440]], 512, (1, 1), 128, True, None, marks=pytest.mark.long),
        pytest.param([[250]], 250, (4, 1), 64, True, None, marks=pytest.mark.long),
        pytest.param([[1] * 40 + [90, 3, 110]], 256, (8, 1), 128, True, None, marks=pytest.mark.long),
        pytest.param([[130, 120]], 256, (8, 1), 64, True, None, marks=pytest.mark.long),
        ([[190, 60]], 256, (2, 2), 64, True, 70),
        pytest.param([[150, 90]], 256, (2, 1), 128, False, None, marks=pytest.mark.long),
        pytest.param([[60, 130], [], [190]], 190, (1, 1), 128, True, None, marks=pytest.mark.long),
    ],
)
def test_output_and_gradients_equal_those_in_float64(
    documents: list[list[int]], time: int, heads: tuple[int, int], dim: int, causal: bool, window: int | None
) -> None:
    assert_exact(documents, time, heads, dim, causal, window)


def test_values_are_exact_where_every_slot_of_the_rings_is_filled_again() -> None:
    """Tiles are smaller than compiled ones: some block needs at least twice as many as its ring has slots."""
    documents, time, heads = [[90, 30]], 128, (2, 1)
    tiles = Tiles(*(TileRing(32, ring.stages) for ring in TILES))
    sides = [jnp.asarray(side) for side in rows(documents, time) for _ in range(2)]
    visible_keys = intervals(*sides, causal=True, window=None)

    def steps(bounds: Bounds) -> int:
        return int((bounds.end - bounds.begin).max())

    for ring in tiles[:2]:
        assert steps(key_tiles(visible_keys, BLOCK_ROWS, ring.rows)) >= 2 * ring.stages
    group, queries = heads[0] // heads[1], query_tiles(visible_keys, tiles.dkdv.rows, BLOCK_ROWS, time)
    assert group * steps(queries) >= 2 * tiles.dkdv.stages
    assert_exact(documents, time, heads, 64, True, None, tiles)


def assert_exact(
    documents: list[list[int]],
    time: int,
    heads: tuple[int, int],
    dim: int,
    causal: bool,
    window: int | None,
    tiles: Tiles = TILES,
) -> None:
    segment_ids, positions = rows(documents, time)
    inputs = arrays(0, len(documents), time, heads, dim)
    ids = (jnp.asarray(segment_ids), jnp.asarray(segment_ids), jnp.asarray(positions), jnp.asarray(positions))
    inputs[4] = jnp.where(segment_ids[..., None] > 0, inputs[4], 0)

    def attend(q: jax.Array, k: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
        return hopper(Operands(q, k, v, *ids), causal=causal, window=window, tiles=tiles)

    with interpreted():
        results = jax.block_until_ready(jax.jit(functools.partial(with_gradients, attend))(*inputs))
    mask = visible(segment_ids, segment_ids, positions, positions, causal, window)
    expected = in_float64(mask, *(np.asarray(x, np.float64) for x in inputs))
    for name, ours, exact in zip(NAMES, results, expected, strict=True):
        finite = np.isfinite(exact)
        np.testing.assert_array_equal(np.isfinite(ours), finite, err_msg=name)
        np.testing.assert_allclose(
            np.asarray(ours)[finite], exact[finite], atol=2 * ROUNDING * np.abs(exact[finite]).max(), err_msg=name
        )


def test_keys_may_come_in_parts() -> None:
    segment_ids, positions = rows([[100, 150]], 256)
    q, k, v, *_ = arrays(1, 1, 256, (1, 1), 64)

    def part(k: jax.Array, v: jax.Array, keys: slice) -> tuple[jax.Array, jax.Array]:
        sides = (jnp.asarray(side) for side in (segment_ids, segment_ids[:, keys], positions, positions[:, keys]))
        return hopper(Operands(q, k[:, keys], v[:, keys], *sides), causal=True, window=None)

    with interpreted():
        run = jax.jit(part, static_argnums=2)
        (full, lse), *halves = jax.block_until_ready(
            [run(k, v, keys) for keys in (slice(None), slice(0, 128), slice(128, 256))]
        )
    is_token = segment_ids[0] > 0
    shares = [np.exp(np.asarray(half_lse)[0, is_token] - np.asarray(lse)[0, is_token]) for _, half_lse in halves]
    merged = sum(
        share[..., None] * np.asarray(out, np.float32)[0, is_token]
        for share, (out, _) in zip(shares, halves, strict=True)
    )
    np.testing.assert_allclose(merged, np.asarray(full, np.float32)[0, is_token], atol=4 * ROUNDING)


@pytest.mark.long
def test_no_bit_of_a_document_moves_when_another_changes() -> None:
    def attend(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> jax.Array:
        operands = Operands(q, k, v, segment_ids, segment_ids, positions, positions)
        return hopper(operands, causal=True, window=None)[0]

    with interpreted():
        assert leaks(differentiated(attend), lengths=[[70, 1, 100]], time=256, heads=1, key_value_heads=1) == []


def test_other_types_and_head_dims_are_refused() -> None:
    ids = jnp.ones((1, 128), jnp.int32)
    for dtype, dim in ((jnp.float32, 64), (jnp.bfloat16, 96)):
        x = jnp.zeros((1, 128, 1, dim), dtype)
        with pytest.raises(InputError, match="hopper attention backend computes in bfloat16 with head dims"):
            hopper(Operands(x, x, x, ids, ids, ids, ids), causal=True, window=None)
