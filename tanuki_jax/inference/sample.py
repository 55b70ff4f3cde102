"""Sampling of a token from a model's logits, as a pure function."""

import dataclasses

import jax
import jax.numpy as jnp

LEAST_TEMPERATURE = 1e-6
"""Temperatures below it count as 0: logits divided by them may overflow, and leave other tokens no probability."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sampling:
    """Options of the sampling, applied in the order of the fields."""

    vocabulary: int
    """Number of ids that may be chosen: the embedding may have more rows than the tokenizer has pieces."""
    repetition_penalty: float = 1.0
    """Divisor of the logits of tokens that the text already contains, factor of negative ones (Keskar et al. 2019); 1:
    no penalty."""
    temperature: float = 0.0
    """Divisor of the logits; 0: the most probable token."""
    top_k: int = 0
    """Number of the most probable tokens to sample from; 0: all."""
    top_p: float = 1.0
    """Share of the probability whose most probable tokens are sampled from (Holtzman et al. 2020); 1: all."""


def choose(logits_bv: jax.Array, seen_bv: jax.Array, keys_b: jax.Array, sampling: Sampling) -> jax.Array:
    """Return a token for each row, int32[B].

    Args:
        logits_bv: float32[B, V].
        seen_bv: bool[B, V], tokens that each row already contains.
        keys_b: random key of each row.
        sampling: options.
    """
    penalty = sampling.repetition_penalty
    if penalty != 1:
        logits_bv = jnp.where(seen_bv, jnp.where(logits_bv > 0, logits_bv / penalty, logits_bv * penalty), logits_bv)
    logits_bv = jnp.where(jnp.arange(logits_bv.shape[1]) < sampling.vocabulary, logits_bv, -jnp.inf)
    if sampling.temperature < LEAST_TEMPERATURE:
        return jnp.argmax(logits_bv, axis=1).astype(jnp.int32)
    logits_bv /= sampling.temperature
    sample = jax.vmap(jax.random.categorical)
    if not sampling.top_k and sampling.top_p == 1:  # no token is excluded, so no sorting is needed
        return sample(keys_b, logits_bv).astype(jnp.int32)
    logits_bk, tokens_bk = jax.lax.top_k(logits_bv, min(sampling.top_k or sampling.vocabulary, sampling.vocabulary))
    if sampling.top_p < 1:
        probabilities_bk = jax.nn.softmax(logits_bk)
        # A token stays if the more probable ones together have less than top_p: the first one always stays.
        before_bk = jnp.cumsum(probabilities_bk, axis=1) - probabilities_bk
        logits_bk = jnp.where(before_bk < sampling.top_p, logits_bk, -jnp.inf)
    ranks_b = sample(keys_b, logits_bk)
    return jnp.take_along_axis(tokens_bk, ranks_b[:, None], axis=1)[:, 0].astype(jnp.int32)
