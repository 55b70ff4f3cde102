"""Tokens chosen from a model's distribution, as pure functions."""

import dataclasses

import jax
import jax.numpy as jnp


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a token is chosen from the model's distribution; what is said first is done first."""

    vocabulary: int
    """Ids from here on are never chosen: rows of the embedding that the tokenizer does not use."""
    repetition_penalty: float = 1.0
    """Logits of tokens that are in the text already are divided by it, negative ones multiplied (Keskar et al. 2019); 1: none."""
    temperature: float = 0.0
    """Divides the logits; 0: the most probable token."""
    top_k: int = 0
    """How many of the most probable tokens may be chosen; 0: all."""
    top_p: float = 1.0
    """The most probable tokens whose probabilities make up this share may be chosen (Holtzman et al. 2020); 1: all."""


def choose(logits_bv: jax.Array, seen_bv: jax.Array, keys_b: jax.Array, sampling: Sampling) -> jax.Array:
    """A token for each row, int32[B].

    Args:
        logits_bv: float32[B, V].
        seen_bv: bool[B, V], which tokens are in each row's text.
        keys_b: a key for each row.
        sampling: how.
    """
    penalty = sampling.repetition_penalty
    if penalty != 1:
        logits_bv = jnp.where(seen_bv, jnp.where(logits_bv > 0, logits_bv / penalty, logits_bv * penalty), logits_bv)
    logits_bv = jnp.where(jnp.arange(logits_bv.shape[1]) < sampling.vocabulary, logits_bv, -jnp.inf)
    if sampling.temperature == 0:
        return jnp.argmax(logits_bv, axis=1).astype(jnp.int32)
    logits_bv /= sampling.temperature
    draw = jax.vmap(jax.random.categorical)
    if not sampling.top_k and sampling.top_p == 1:  # nothing is cut off, so that nothing needs sorting
        return draw(keys_b, logits_bv).astype(jnp.int32)
    logits_bk, tokens_bk = jax.lax.top_k(logits_bv, min(sampling.top_k or sampling.vocabulary, sampling.vocabulary))
    if sampling.top_p < 1:
        probabilities_bk = jax.nn.softmax(logits_bk)
        before_bk = jnp.cumsum(probabilities_bk, axis=1) - probabilities_bk
        logits_bk = jnp.where(before_bk < sampling.top_p, logits_bk, -jnp.inf)
    places_b = draw(keys_b, logits_bk)
    return jnp.take_along_axis(tokens_bk, places_b[:, None], axis=1)[:, 0].astype(jnp.int32)
