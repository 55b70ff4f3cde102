"""The operands that every attention backend takes, and what a backend returns."""

from typing import NamedTuple, Protocol

import jax


class Operands(NamedTuple):
    """Queries, keys and values, with the document and the position of each token."""

    q_bthd: jax.Array
    """Queries [B, T, H, D]."""
    k_bskd: jax.Array
    """Keys [B, S, K, D]; K divides H, and query head h shares the key head h // (H / K)."""
    v_bskd: jax.Array
    """Values [B, S, K, D]."""
    q_segment_ids: jax.Array
    """int32[B, T], the document of each query; 0 is padding, which attends to nothing."""
    kv_segment_ids: jax.Array
    """int32[B, S], the document of each key."""
    q_positions: jax.Array
    """int32[B, T], compared with `kv_positions` for causality, so that the keys may be any part of a row."""
    kv_positions: jax.Array
    """int32[B, S]."""

    @property
    def tokens(self) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        """Return segment ids and positions, the arguments of `visible` and of `intervals`."""
        return self[3:]


class BackendFunction(Protocol):
    """The function of a backend, called like the backend, in the file that its row in `BACKENDS` names."""

    def __call__(self, operands: Operands, /, *, causal: bool, window: int | None) -> tuple[jax.Array, jax.Array]:
        """Return the output [B, T, H, D] in the type of q and the log-sum-exp of the scores, float32[B, T, H].

        Where a query sees no key they are 0 and -inf. A causal `window` is supported, or refused with an InputError.
        """
