"""Output matrix and cross-entropy together, a stretch of time at a time, so that B x T x V is never held."""

import functools

import jax
import jax.numpy as jnp

TIME = 256


def linear_cross_entropy(states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Log-probability of each target, and the log partition function, of `softmax(states @ output)`.

    Args:
        states_btd: [B, T, D]; the product is computed in this type and summed in float32.
        output_dv: [D, V], of any type; its gradient accumulates in that type.
        targets_bt: int32[B, T] in [0, V).

    Returns:
        float32[B, T] log-probabilities of the targets and float32[B, T] log-sum-exp of the logits.
    """
    batch, time, width = states_btd.shape

    @functools.partial(jax.checkpoint, prevent_cse=False)
    def stretch(part: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        states, targets = part
        logits = jnp.einsum("btd,dv->btv", states, output_dv.astype(states.dtype), preferred_element_type=jnp.float32)
        log_z = jax.nn.logsumexp(logits, axis=-1)
        hit = jax.lax.broadcasted_iota(jnp.int32, logits.shape, 2) == targets[..., None]
        return jnp.sum(jnp.where(hit, logits, 0.0), axis=-1) - log_z, log_z

    if time <= TIME:
        return stretch((states_btd, targets_bt))
    stretches = -(-time // TIME)
    states = jnp.pad(states_btd, ((0, 0), (0, stretches * TIME - time), (0, 0))).reshape(batch, stretches, TIME, width)
    targets = jnp.pad(targets_bt, ((0, 0), (0, stretches * TIME - time))).reshape(batch, stretches, TIME)
    logps, log_z = jax.lax.map(stretch, (jnp.moveaxis(states, 1, 0), jnp.moveaxis(targets, 1, 0)))
    return tuple(jnp.moveaxis(x, 0, 1).reshape(batch, -1)[:, :time] for x in (logps, log_z))  # type: ignore[return-value]
