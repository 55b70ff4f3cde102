"""Rejection of bad steps inside the compiled step, judged by losses and gradient norms of accepted ones."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from tanuki_jax.config.experiment import Guard

type Window = dict[str, jax.Array]
"""`losses` and `gradient_norms` of the last accepted steps, each float32[W], oldest first; NaN where empty."""

DEVIATION = 1.4826
"""Standard deviation of a normal distribution, in units of its median absolute deviation."""
LEAST_LOSS = 0.02
"""Smallest standard deviation of the loss that is assumed, in nats, however even a window's losses were."""
LEAST_NORM = 0.2
"""Smallest standard deviation that is assumed of the logarithm of gradient norms, whose healthy outliers are rarely
more than four times the median."""


def window(size: int, losses: Sequence[float] = (), gradient_norms: Sequence[float] = ()) -> dict[str, np.ndarray]:
    """Return a window that remembers the last `size` of the given steps."""

    def last(values: Sequence[float]) -> np.ndarray:
        kept = np.array(values, np.float32)[-size:]
        return np.concatenate([np.full(size - len(kept), np.nan, np.float32), kept])

    return {"losses": last(losses), "gradient_norms": last(gradient_norms)}


def remembered(known: Mapping[str, np.ndarray]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return losses and gradient norms of a window on the host, as `window` takes them."""
    losses, norms = (tuple(known[name][np.isfinite(known[name])].tolist()) for name in ("losses", "gradient_norms"))
    return losses, norms


def judge(known: Window, loss: jax.Array, norm: jax.Array, settings: Guard) -> tuple[jax.Array, jax.Array]:
    """Return whether to accept a step, bool[], and how many standard deviations it is above what is usual, float32[].

    Both loss and norm must be finite. The distance of the loss from the median of the window counts, and that of the
    logarithm of the gradient norm, each in standard deviations estimated from the median absolute deviation; the larger
    of the two is the step's. It is 0 as long as the window is not half full.
    """
    # Medians, since a mean and its deviation are moved by the very outliers that they should expose: after one spike in
    # the window, the next would pass. The window holds accepted steps only, so that rejected ones never become usual.
    # Gradient norms vary by factors, hence their logarithm. Only what is above the median counts: the deviations keep
    # their sign.
    finite = jnp.isfinite(loss) & jnp.isfinite(norm)
    enough = jnp.isfinite(known["losses"]).sum() >= settings.window // 2
    loss_deviations = _deviations(known["losses"], loss, LEAST_LOSS)
    norm_deviations = _deviations(jnp.log(known["gradient_norms"]), jnp.log(norm), LEAST_NORM)
    deviations = jnp.where(enough, jnp.maximum(loss_deviations, norm_deviations), 0.0)
    usual = deviations <= settings.deviations if settings.deviations else True
    return finite & usual, deviations


def remember(known: Window, loss: jax.Array, norm: jax.Array) -> Window:
    """Return the window after an accepted step."""
    return {
        name: jnp.concatenate([known[name][1:], value[None]])
        for name, value in (("losses", loss), ("gradient_norms", norm))
    }


def _deviations(values: jax.Array, value: jax.Array, least: float) -> jax.Array:
    median = jnp.nanmedian(values)  # NaN marks the places that are still empty
    deviation = DEVIATION * jnp.nanmedian(jnp.abs(values - median))
    return (value - median) / jnp.maximum(deviation, least)
