"""Frequencies of rotary positions, plain and as the formula of Llama 3.1 has them, computed one by one."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np

from tanuki_jax.config.model import Model, RopeScaling
from tanuki_jax.lm.model.rope import frequencies, rotate

MODEL = Model(vocabulary=8, width=64, hidden=8, layers=1, heads=4, kv_heads=4, rope_theta=500_000.0)
SCALED = dataclasses.replace(MODEL, explicit_head_dim=128, rope_scaling=RopeScaling(factor=32.0, original_length=8192))


def test_plain_frequencies_are_powers_of_theta() -> None:
    expected = [500_000.0 ** (-2 * pair / 16) for pair in range(8)]
    np.testing.assert_allclose(frequencies(MODEL), expected, rtol=1e-6)


def test_slow_frequencies_are_divided_and_fast_ones_kept() -> None:
    expected = []
    for pair in range(64):
        plain = 500_000.0 ** (-2 * pair / 128)
        wavelength = 2 * math.pi / plain
        if wavelength < 8192 / 4:
            expected.append(plain)
        elif wavelength > 8192 / 1:
            expected.append(plain / 32)
        else:
            smooth = (8192 / wavelength - 1) / (4 - 1)
            expected.append((1 - smooth) * plain / 32 + smooth * plain)
    np.testing.assert_allclose(frequencies(SCALED), expected, rtol=1e-5)
    assert len({round(ratio, 3) for ratio in np.array(expected) * 500_000.0 ** (np.arange(64) / 64)}) > 5


def test_a_rotation_keeps_norms_and_depends_on_differences_alone() -> None:
    x = jnp.sin(jnp.arange(16.0)).reshape(1, 1, 1, 16)
    at = {position: rotate(x, jnp.array([[position]]), MODEL)[0, 0, 0] for position in (0, 5, 9, 14)}
    np.testing.assert_allclose(at[0], x[0, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(jnp.linalg.norm(at[9]), jnp.linalg.norm(x), rtol=1e-6)
    np.testing.assert_allclose(at[5] @ at[0], at[14] @ at[9], rtol=1e-5)
