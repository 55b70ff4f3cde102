"""Rotary position embedding (Su et al. 2021), plain or scaled for longer texts as in Llama 3.1."""

import math

import jax
import jax.numpy as jnp

from tanuki_jax.config.model import Model


def frequencies(model: Model) -> jax.Array:
    """Return the angle that each pair of a head turns per position, float32[Dh / 2].

    With `rope_scaling` slow pairs are slowed by its factor, fast ones are as they were, and those between are
    interpolated (Llama team 2024, section 3.4.1, and `rope_type` "llama3" of transformers).
    """
    half = model.head_dim // 2
    plain = model.rope_theta ** (-jnp.arange(half, dtype=jnp.float32) / half)
    scaling = model.rope_scaling
    if scaling.factor == 1:
        return plain
    turns = scaling.original_length * plain / (2 * math.pi)  # of each pair over the original length
    low, high = scaling.low_frequency_factor, scaling.high_frequency_factor
    kept = jnp.clip((turns - low) / (high - low), 0, 1)
    return (1 - kept) * plain / scaling.factor + kept * plain


def rotate(x_bthk: jax.Array, positions_bt: jax.Array, model: Model) -> jax.Array:
    """Rotate heads [B, T, H, Dh] by their positions int32[B, T], in float32, and return the type of x.

    The two halves of a head are paired, as in the released weights of Llama.
    """
    angle = positions_bt[:, :, None, None].astype(jnp.float32) * frequencies(model)
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    a, b = jnp.split(x_bthk.astype(jnp.float32), 2, axis=-1)
    return jnp.concatenate([a * cosine - b * sine, b * cosine + a * sine], axis=-1).astype(x_bthk.dtype)
