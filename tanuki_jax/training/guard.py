"""Which steps are rejected, judged inside the step by a window of the losses and gradient norms of accepted ones."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from tanuki_jax.config.experiment import Guard

type Window = dict[str, jax.Array]
"""`losses` and `gradient_norms` of the last accepted steps, each float32[W], oldest first; NaN where there are none yet."""

DEVIATION = 1.4826
"""Standard deviations of a normal distribution in its median absolute deviation."""
LEAST_LOSS = 0.02
"""Nats below which losses do not differ: no window's standard deviation is taken to be less, however even its losses were."""
LEAST_NORM = 0.2
"""The same of the logarithm of gradient norms, whose healthy outliers are rarely more than four times the median."""


def window(size: int, losses: Sequence[float] = (), gradient_norms: Sequence[float] = ()) -> dict[str, np.ndarray]:
    """A window that remembers the last `size` of the steps given."""

    def last(values: Sequence[float]) -> np.ndarray:
        kept = np.array(values, np.float32)[-size:]
        return np.concatenate([np.full(size - len(kept), np.nan, np.float32), kept])

    return {"losses": last(losses), "gradient_norms": last(gradient_norms)}


def remembered(known: Mapping[str, np.ndarray]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Losses and gradient norms of a window on the host, as `window` takes them."""
    losses, norms = (tuple(known[name][np.isfinite(known[name])].tolist()) for name in ("losses", "gradient_norms"))
    return losses, norms


def judge(known: Window, loss: jax.Array, norm: jax.Array, guard: Guard) -> tuple[jax.Array, jax.Array]:
    """Whether to accept a step, bool[], and how many standard deviations it is above what is usual, float32[].

    Both must be finite. Of the loss, and of the logarithm of the gradient norm, the distance from the median of the window counts, in
    standard deviations that are estimated from its median absolute deviation; the larger of the two is the step's. It is 0 as long as
    the window is not half full.
    """
    finite = jnp.isfinite(loss) & jnp.isfinite(norm)
    full = jnp.isfinite(known["losses"]).sum() >= guard.window // 2
    of_loss = _deviations(known["losses"], loss, LEAST_LOSS)
    of_norm = _deviations(jnp.log(known["gradient_norms"]), jnp.log(norm), LEAST_NORM)
    deviations = jnp.where(full, jnp.maximum(of_loss, of_norm), 0.0)
    usual = deviations <= guard.deviations if guard.deviations else True
    return finite & usual, deviations


def remember(known: Window, loss: jax.Array, norm: jax.Array) -> Window:
    """The window after an accepted step."""
    return {
        name: jnp.concatenate([known[name][1:], value[None]])
        for name, value in (("losses", loss), ("gradient_norms", norm))
    }


def _deviations(values: jax.Array, value: jax.Array, least: float) -> jax.Array:
    median = jnp.nanmedian(values)
    deviation = DEVIATION * jnp.nanmedian(jnp.abs(values - median))
    return (value - median) / jnp.maximum(deviation, least)
