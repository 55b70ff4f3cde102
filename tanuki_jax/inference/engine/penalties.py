"""Penalties: tokens that a text contains already become less probable."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Penalties(NamedTuple):
    """Strength of the penalties, for B rows."""

    repetition_b: jax.Array
    """float32[B], divisor of positive logits and factor of negative ones of tokens that prompt or new text contain
    (Keskar et al. 2019); 1: none."""
    presence_b: jax.Array
    """float32[B], subtracted from the logits of tokens that the new text contains."""
    frequency_b: jax.Array
    """float32[B], subtracted once for each time that the new text contains a token."""

    def any(self) -> jax.Array:
        """Return whether a row has penalties, bool[]."""
        return jnp.any((self.repetition_b != 1) | (self.presence_b != 0) | (self.frequency_b != 0))


class TokenCounts(NamedTuple):
    """Numbers of the tokens in rows."""

    all_bv: jax.Array
    """int32[B, V], in prompt and new text."""
    new_bv: jax.Array
    """int32[B, V], in the new text."""


def count_tokens(ids_bl: jax.Array, new_bl: jax.Array, vocabulary: int) -> TokenCounts:
    """Count the tokens in rows.

    Args:
        ids_bl: int32[B, L]; negative ones are padding.
        new_bl: bool[B, L], which of them are behind the prompt.
        vocabulary: number of ids.
    """
    rows_b1, nothing_bv = jnp.arange(len(ids_bl))[:, None], jnp.zeros((len(ids_bl), vocabulary), jnp.int32)
    places_bl = jnp.where(ids_bl < 0, vocabulary, ids_bl)
    count = nothing_bv.at[rows_b1, places_bl]
    return TokenCounts(count.add(1, mode="drop"), count.add(new_bl.astype(jnp.int32), mode="drop"))


def penalize(logits_bv: jax.Array, penalties: Penalties, counts: TokenCounts, added_bs: jax.Array) -> jax.Array:
    """Return the logits after penalties; a row without penalties keeps its own to the last bit.

    Args:
        logits_bv: float32[B, V].
        penalties: of each row.
        counts: of the tokens up to some place.
        added_bs: int32[B, S], new tokens after it; negative ones are padding.
    """
    repetition_b1, presence_b1, frequency_b1 = (part[:, None] for part in penalties)

    def penalized() -> jax.Array:
        added = count_tokens(added_bs, jnp.ones(added_bs.shape, bool), logits_bv.shape[1])
        all_bv, new_bv = counts.all_bv + added.all_bv, counts.new_bv + added.new_bv
        divided_bv = jnp.where(logits_bv > 0, logits_bv / repetition_b1, logits_bv * repetition_b1)
        repeated_bv = jnp.where(all_bv > 0, divided_bv, logits_bv)
        return repeated_bv - presence_b1 * (new_bv > 0) - frequency_b1 * new_bv

    return jax.lax.cond(penalties.any(), penalized, lambda: logits_bv)
