"""Noise on embeddings."""

import jax
import jax.numpy as jnp

from tanuki_jax.data.batch import Batch


def embedding_noise(key: jax.Array, batch: Batch[jax.Array], width: int, alpha: float, dtype: str) -> jax.Array:
    """[B, T, D] of `dtype`: uniform within alpha / sqrt(n D), where n is the number of a document's tokens (NEFTune, Jain et al. 2024,
    algorithm 1).

    Args:
        key: of the draws.
        batch: its documents' lengths are those of its `segment_ids` [B, T].
        width: D.
        alpha: the noise's scale.
        dtype: of the result.
    """
    time = batch.segment_ids.shape[1]
    counts = jax.vmap(lambda ids_t: jnp.bincount(ids_t, length=time + 1))(batch.segment_ids)
    lengths_bt = jnp.take_along_axis(counts, batch.segment_ids, axis=1)
    bound_bt = alpha * jax.lax.rsqrt((lengths_bt * width).astype(jnp.float32))
    uniform_btd = jax.random.uniform(key, (*batch.tokens.shape, width), jnp.dtype(dtype), -1, 1)
    return uniform_btd * bound_bt[..., None].astype(dtype)
