"""The tpu backend against the reference, its kernels interpreted."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_kernel

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.operands import Operands
from tanuki_jax.lm.kernels.attention.reference_attention import reference
from tanuki_jax.lm.kernels.attention.tpu import tpu
from tests.lm.kernels.leak import differentiated, leaks, rows

pytestmark = pytest.mark.thorough

small_tpu = functools.partial(tpu, tile=128)


@pytest.fixture(autouse=True)
def kernels_are_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    interpreted = functools.partial(splash_attention_kernel.make_splash_mha, interpret=True)
    monkeypatch.setattr(splash_attention_kernel, "make_splash_mha", interpreted)


@pytest.mark.parametrize(
    ("heads", "key_value_heads", "dim", "causal", "window"),
    [
        pytest.param(4, 2, 128, True, None, marks=pytest.mark.long),
        (2, 1, 64, True, 50),
        pytest.param(1, 1, 16, True, 300, marks=pytest.mark.long),
        (1, 1, 16, False, None),
        pytest.param(1, 1, 16, False, 20, marks=pytest.mark.long),
    ],
)
def test_results_and_gradients_of_packed_rows_are_those_of_the_reference(
    heads: int, key_value_heads: int, dim: int, causal: bool, window: int | None
) -> None:
    segment_ids, positions = map(jnp.asarray, rows([[5, 100, 1, 80], [256]], 256))
    keys = jax.random.split(jax.random.key(0), 5)
    q, k, v, d_out = (
        jax.random.normal(key, (2, 256, n, dim))
        for key, n in zip(keys, [heads, key_value_heads, key_value_heads, heads], strict=False)
    )
    d_lse = jax.random.normal(keys[4], (2, 256, heads))

    def results_and_gradients(attend: Any) -> Any:
        def run(q: jax.Array, k: jax.Array, v: jax.Array) -> Any:
            out, lse = attend(
                Operands(q, k, v, segment_ids, segment_ids, positions, positions), causal=causal, window=window
            )
            return out, lse

        results, gradients = jax.vjp(run, q, k, v)
        return *results, *gradients((d_out, jnp.where(segment_ids[:, :, None] > 0, d_lse, 0)))

    for a, b in zip(
        *(jax.jit(results_and_gradients, static_argnums=0)(attend) for attend in (small_tpu, reference)), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_no_document_moves_a_bit_of_another() -> None:
    def attend(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> jax.Array:
        operands = Operands(q, k, v, segment_ids, segment_ids, positions, positions)
        return small_tpu(operands, causal=True, window=None)[0]

    assert (
        leaks(differentiated(attend), lengths=((100, 1, 120),), time=256, heads=2, key_value_heads=1, head_dim=16) == []
    )


@pytest.mark.parametrize(
    ("time", "keys", "message"),
    [(256, 128, "256 queries and 128 keys"), (100, 100, "a multiple of 128 tokens, not 100")],
)
def test_unsupported_operands_are_refused(time: int, keys: int, message: str) -> None:
    q, k = (jnp.zeros((1, length, 1, 16)) for length in (time, keys))
    ids = [jnp.zeros((1, length), jnp.int32) for length in (time, keys, time, keys)]
    with pytest.raises(InputError, match=message):
        tpu(Operands(q, k, k, *ids), causal=True, window=None)


def test_a_row_in_another_order_comes_out_as_nan() -> None:
    segment_ids, positions = map(jnp.asarray, rows([[50, 60], [100]], 128))
    q = jnp.ones((2, 128, 1, 16))
    operands = Operands(q, q, q, segment_ids.at[0, 0].set(3), segment_ids, positions, positions)
    out, _ = small_tpu(operands, causal=True, window=None)
    assert np.isnan(out[0]).all()
    assert np.isfinite(out[1]).all()
