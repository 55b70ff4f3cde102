"""What kernels that know order within a row only by index ask of their rows."""

import jax
import jax.numpy as jnp

from tanuki_jax.base.errors import InputError


def self_attending(
    backend: str,
    q_bthd: jax.Array,
    k_bskd: jax.Array,
    q_segment_ids: jax.Array,
    kv_segment_ids: jax.Array,
    q_positions: jax.Array,
    kv_positions: jax.Array,
) -> jax.Array:
    """Which rows attend to themselves and hold documents one after another, bool[B].

    Such a row has the same segment ids and positions on both sides, segment ids that ascend with padding (0) last, and positions
    that ascend by one within a segment. A backend that relies on this makes the output of every other row NaN, because it would be
    wrong and could not be told from a right one.

    Raises:
        InputError: queries and keys differ in length, as where the keys of a row come in parts.
    """
    if q_bthd.shape[1] != k_bskd.shape[1]:
        raise InputError(
            f"The {backend} attention backend serves rows that attend to themselves; here are {q_bthd.shape[1]} queries and "
            f"{k_bskd.shape[1]} keys: choose another backend."
        )
    before, after = q_segment_ids[:, :-1], q_segment_ids[:, 1:]
    continues = (before == after) & (q_positions[:, 1:] == q_positions[:, :-1] + 1)
    follows = (after == 0) | ((before > 0) & ((after > before) | continues))
    same = (q_segment_ids == kv_segment_ids) & (q_positions == kv_positions)
    return jnp.all(follows, axis=1) & jnp.all(same, axis=1)
