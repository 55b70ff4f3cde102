"""Attention: every backend against JAX's own, per document and with gradients."""

import functools
import importlib
import typing
from collections.abc import Callable

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.kernels.attention.attention import BACKENDS, Backend, attention, choose, self_attention
from tanuki_jax.lm.kernels.attention.chunked import chunked
from tanuki_jax.lm.kernels.attention.operands import Operands
from tanuki_jax.lm.kernels.attention.reference_attention import reference
from tests.lm.kernels.attention.mask import visible
from tests.lm.kernels.devices import device
from tests.lm.kernels.leak import rows

pytestmark = pytest.mark.thorough

type Attention = Callable[..., tuple[jax.Array, jax.Array]]


def blocks_of_eight(*arrays: jax.Array, causal: bool = True, window: int | None = None) -> tuple[jax.Array, jax.Array]:
    return chunked(Operands(*arrays), causal=causal, window=window, queries=8)


PLAIN: dict[str, Attention] = {
    "reference": functools.partial(attention, backend="reference"),
    "chunked": blocks_of_eight,
    "auto": attention,
}
on_every_plain_backend = pytest.mark.parametrize("backend", PLAIN)


def heads(seed: int, time: int, query: int, key_value: int, dim: int = 16) -> tuple[jax.Array, jax.Array, jax.Array]:
    keys = jax.random.split(jax.random.key(seed), 3)
    q, k, v = (
        jax.random.normal(key, (2, time, h, dim)) for key, h in zip(keys, (query, key_value, key_value), strict=True)
    )
    return q, k, v


@on_every_plain_backend
@pytest.mark.parametrize(("query", "key_value", "time"), [(4, 4, 21), (4, 1, 8), (8, 2, 21), (2, 2, 1)])
def test_one_causal_document_agrees_with_jax(backend: str, query: int, key_value: int, time: int) -> None:
    q, k, v = heads(0, time, query, key_value)
    ones, positions = jnp.ones((2, time), jnp.int32), jnp.broadcast_to(jnp.arange(time), (2, time))

    def ours(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
        return PLAIN[backend](q, k, v, ones, ones, positions, positions)[0]

    def output_and_gradients(attend: Callable[..., jax.Array]) -> tuple[jax.Array, ...]:
        out, gradients = jax.vjp(attend, q, k, v)
        return out, *gradients(jnp.cos(out))

    theirs = functools.partial(jax.nn.dot_product_attention, is_causal=True)
    for a, b in zip(*(jax.jit(output_and_gradients, static_argnums=0)(f) for f in (ours, theirs)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


TIME = 45
JITTED = {name: jax.jit(attend, static_argnames=("causal", "window")) for name, attend in PLAIN.items()}
MASKED = jax.jit(jax.nn.dot_product_attention)


@settings(max_examples=25)
@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=12),
    window=st.sampled_from((None, 3)),
    causal=st.booleans(),
)
@on_every_plain_backend
def test_packed_rows_agree_with_jax_under_a_mask(
    backend: str, lengths: list[int], window: int | None, causal: bool
) -> None:
    fits = [length for length, end in zip(lengths, np.cumsum(lengths), strict=True) if end <= TIME]
    q, k, v = heads(1, TIME, 4, 2)
    segment_ids, positions = rows([fits, fits[1:]], TIME)
    mask = visible(segment_ids, segment_ids, positions, positions, causal, window)
    attend = JITTED[backend]
    out, lse = attend(q, k, v, segment_ids, segment_ids, positions, positions, causal=causal, window=window)
    theirs = MASKED(q, k, v, mask=mask[:, None])
    attended = segment_ids > 0
    np.testing.assert_allclose(np.asarray(out)[attended], np.asarray(theirs)[attended], atol=2e-6)
    np.testing.assert_array_equal(np.asarray(out)[~attended], 0)
    scores = (
        np.einsum("btkgd,bskd->btkgs", np.asarray(q, np.float64).reshape(2, TIME, 2, 2, 16), np.asarray(k, np.float64))
        / 4
    )
    with np.errstate(divide="ignore"):
        expected = np.log(np.sum(np.exp(scores) * mask[:, :, None, None], axis=-1)).reshape(2, TIME, 4)
    np.testing.assert_allclose(lse, expected, atol=1e-5)


@on_every_plain_backend
def test_padding_has_no_gradient_and_makes_none_that_is_not_finite(backend: str) -> None:
    q, k, v = heads(2, 12, 2, 1)
    segment_ids, positions = (jnp.asarray(x) for x in rows([[5, 4], [4]], 12))

    def total(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
        out, _ = PLAIN[backend](q, k, v, segment_ids, segment_ids, positions, positions)
        return jnp.sum(jnp.square(out))

    for gradient in jax.jit(jax.grad(total, argnums=(0, 1, 2)))(q, k, v):
        assert np.isfinite(gradient).all()
        np.testing.assert_array_equal(np.asarray(gradient)[np.asarray(segment_ids) == 0], 0)


def test_causality_compares_positions_so_keys_may_come_in_parts() -> None:
    q, k, v = heads(3, 16, 4, 2)
    ones, positions = jnp.ones((2, 16), jnp.int32), jnp.broadcast_to(jnp.arange(16), (2, 16))
    expected, expected_lse = JITTED["auto"](q, k, v, ones, ones, positions, positions)
    parts = [
        JITTED["auto"](q, k[:, half], v[:, half], ones, ones[:, half], positions, positions[:, half])
        for half in (slice(0, 8), slice(8, 16))
    ]
    lse = jnp.stack([part[1] for part in parts])
    shares = jnp.exp(lse - expected_lse)
    merged = sum(share[..., None] * part[0] for share, part in zip(shares, parts, strict=True))
    np.testing.assert_allclose(merged, expected, atol=2e-6)


@pytest.mark.parametrize("key_value", [pytest.param(8, marks=pytest.mark.long), 2, 1])
@pytest.mark.parametrize(
    ("documents", "causal", "window"),
    [
        ([1] * 200, True, None),
        ([90, 1, 1, 57, 40], True, None),
        ([120, 80], True, 17),
        ([60, 99], False, None),
        ([], True, None),
    ],
)
def test_chunked_has_the_output_and_gradients_of_the_reference(
    key_value: int, documents: list[int], causal: bool, window: int | None
) -> None:
    ids = [jnp.asarray(side) for side in rows([documents, documents[1:]], 201)]
    q, k, v = heads(4, 201, 8, key_value)

    @functools.partial(jax.jit, static_argnums=0)
    def results(backend: Attention, q: jax.Array, k: jax.Array, v: jax.Array) -> tuple[jax.Array, ...]:
        def attend(q: jax.Array, k: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
            out, lse = backend(Operands(q, k, v, ids[0], ids[0], ids[1], ids[1]), causal=causal, window=window)
            return out, jnp.where(jnp.isfinite(lse), lse, 0.0)

        out, pull_back = jax.vjp(attend, q, k, v)
        return *out, *pull_back(jax.tree.map(jnp.cos, out))

    small = functools.partial(chunked, queries=64)
    for ours, expected in zip(results(small, q, k, v), results(reference, q, k, v), strict=True):
        np.testing.assert_allclose(ours, expected, atol=2e-5)


@on_every_plain_backend
def test_self_attention_hands_its_window_on(backend: Backend) -> None:
    q, k, v = heads(5, 21, 4, 2)
    ids, positions = (jnp.asarray(side) for side in rows([[9, 11], [21]], 21))
    expected, _ = attention(q, k, v, ids, ids, positions, positions, window=4, backend="reference")
    np.testing.assert_allclose(self_attention(q, k, v, ids, positions, 4, backend=backend), expected, atol=2e-6)
    unlimited, wide = (self_attention(q, k, v, ids, positions, window, backend=backend) for window in (None, 21))
    np.testing.assert_array_equal(wide, unlimited)
    assert not np.allclose(expected, unlimited, atol=1e-2)


def test_every_backend_has_a_row_a_function_and_a_name_in_the_layout() -> None:
    named = typing.get_args(typing.get_type_hints(Layout)["attention"])
    assert set(named) == set(typing.get_args(Backend)) == {"auto", *BACKENDS}
    for name, row in BACKENDS.items():
        assert callable(getattr(importlib.import_module(f"tanuki_jax.lm.kernels.attention.{row.file}"), name))


def test_auto_takes_the_fastest_that_serves_a_device() -> None:
    bfloat16, float16, float32 = (jnp.dtype(dtype) for dtype in (jnp.bfloat16, jnp.float16, jnp.float32))
    assert choose(device("cpu"), float32, 100_000, 96) == "chunked"
    assert choose(device("gpu", "9.0"), bfloat16, 8192, 128) == "hopper"
    assert (
        choose(device("gpu", "9.0"), bfloat16, 8192, 80) == choose(device("gpu", "9.0"), float16, 8192, 64) == "cudnn"
    )
    assert choose(device("tpu"), bfloat16, 8192, 128) == "tpu"
    assert choose(device("gpu", "8.0"), bfloat16, 2048, 128) == choose(device("tpu"), bfloat16, 100, 64) == "chunked"


@pytest.mark.parametrize(("platform", "capability", "dtype"), [("gpu", "8.0", "bfloat16"), ("gpu", "9.0", "float32")])
def test_auto_refuses_quadratic_time_on_long_rows_of_an_accelerator(platform: str, capability: str, dtype: str) -> None:
    with pytest.raises(
        InputError, match=f"no attention kernel takes {dtype}, head dim 128, 2049 keys on {platform} {capability}; use "
    ):
        choose(device(platform, capability), jnp.dtype(dtype), 2049, 128)


def test_auto_says_once_what_it_chose_and_why(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="tanuki_jax"):
        for _ in range(2):
            choose(device("gpu", "9.0"), jnp.dtype(jnp.bfloat16), 4096, 64)
    (message,) = caplog.messages
    assert message.startswith("attention backend hopper: bfloat16, head dim 64, 4096 keys on gpu 9.0; our kernel skips")
