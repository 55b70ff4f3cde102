"""Choice of the next token of each row, where each row has its own options."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

LEAST_TEMPERATURE = 1e-6
"""Temperatures below it count as 0: logits divided by them may overflow, and leave other tokens no probability."""


class RowOptions(NamedTuple):
    """Sampling options of B rows; a row's choice depends on its own logits, options and key alone."""

    temperature_b: jax.Array
    """float32[B]; 0: the most probable token."""
    top_k_b: jax.Array
    """int32[B]; 0: all tokens."""
    top_p_b: jax.Array
    """float32[B]; 1: all tokens."""
    min_p_b: jax.Array
    """float32[B], least probability of a token relative to the most probable one; 0: none."""
    keys_b: jax.Array
    """Random keys of the rows, the same at every step."""


def choose_by_row(logits_bv: jax.Array, options: RowOptions, steps_b: jax.Array) -> jax.Array:
    """Return a token for each row, int32[B].

    Tokens are excluded by top_k, then by top_p (Holtzman et al. 2020), then by min_p (Nguyen et al. 2024), of the
    probabilities at the row's temperature; equal probabilities are excluded together. One of the others is drawn by
    the Gumbel-max trick.

    Args:
        logits_bv: float32[B, V]; logits of -inf are never chosen.
        options: of each row.
        steps_b: int32[B], number that is folded into a row's key, another one at every step.
    """
    best_b = jnp.argmax(logits_bv, axis=1).astype(jnp.int32)
    sampled_b = options.temperature_b >= LEAST_TEMPERATURE

    def drawn() -> jax.Array:
        scaled_bv = logits_bv / jnp.where(sampled_b, options.temperature_b, 1)[:, None]
        excludes = sampled_b & ((options.top_k_b > 0) | (options.top_p_b < 1))
        least_b = jax.lax.cond(jnp.any(excludes), _least_by_rank, _no_least, scaled_bv, options)
        least_b = jnp.maximum(least_b, scaled_bv.max(axis=1) + jnp.log(options.min_p_b))
        keys_b = jax.vmap(jax.random.fold_in)(options.keys_b, steps_b)
        noise_bv = jax.vmap(lambda key: jax.random.gumbel(key, scaled_bv.shape[1:]))(keys_b)
        return jnp.argmax(jnp.where(scaled_bv >= least_b[:, None], scaled_bv + noise_bv, -jnp.inf), axis=1)

    chosen_b = jax.lax.cond(jnp.any(sampled_b), drawn, lambda: best_b)
    return jnp.where(sampled_b, chosen_b, best_b).astype(jnp.int32)


def _no_least(scaled_bv: jax.Array, options: RowOptions) -> jax.Array:
    return jnp.full(len(scaled_bv), -jnp.inf)


def _least_by_rank(scaled_bv: jax.Array, options: RowOptions) -> jax.Array:
    """Return the least logit that top_k and top_p leave in each row."""
    vocabulary = scaled_bv.shape[1]
    falling_bv = -jnp.sort(-scaled_bv, axis=1)
    ranks_v = jnp.arange(vocabulary)
    kept_bv = ranks_v < jnp.where(options.top_k_b > 0, options.top_k_b, vocabulary)[:, None]
    probabilities_bv = jax.nn.softmax(jnp.where(kept_bv, falling_bv, -jnp.inf), axis=1)
    # A token stays if the more probable ones together have less than top_p: the first one always stays.
    before_bv = jnp.cumsum(probabilities_bv, axis=1) - probabilities_bv
    kept_bv &= (before_bv < options.top_p_b[:, None]) | (options.top_p_b >= 1)[:, None] | (ranks_v == 0)
    last_b = kept_bv.sum(axis=1) - 1
    return jnp.take_along_axis(falling_bv, last_b[:, None], axis=1)[:, 0]
