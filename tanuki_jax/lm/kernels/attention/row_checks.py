"""A check of rows for kernels that know the order within a row only by index."""

import jax
import jax.numpy as jnp

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.operands import Operands


def self_attending(backend: str, operands: Operands) -> jax.Array:
    """Return which rows attend to themselves and hold documents one after another, bool[B].

    Such a row has the same segment ids and positions on both sides, segment ids that ascend with padding (0) last, and
    positions that ascend by one within a segment. A backend that relies on this makes the output of every other row
    NaN, because the output would be wrong without looking wrong.

    Raises:
        InputError: queries and keys differ in length, as where the keys of a row come in parts.
    """
    queries, keys = operands.q_bthd.shape[1], operands.k_bskd.shape[1]
    if queries != keys:
        raise InputError(
            f"The {backend} attention backend serves rows that attend to themselves, not {queries} queries "
            f"and {keys} keys: choose another backend."
        )
    q_segment_ids, kv_segment_ids, q_positions, kv_positions = operands.tokens
    # Each token is compared with the one before it. It may be padding, begin a later document, or continue the same
    # one; a token that follows padding must be padding too. This is all that the kernels assume, so nothing is sorted
    # or counted.
    before, after = q_segment_ids[:, :-1], q_segment_ids[:, 1:]
    continues = (before == after) & (q_positions[:, 1:] == q_positions[:, :-1] + 1)
    in_order = (after == 0) | ((before > 0) & ((after > before) | continues))
    same_sides = (q_segment_ids == kv_segment_ids) & (q_positions == kv_positions)
    return jnp.all(in_order, axis=1) & jnp.all(same_sides, axis=1)
