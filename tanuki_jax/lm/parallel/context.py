"""The time dim split over `context`, so that every device has an equal share of causal attention."""

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt


def time_order(devices: int, time: int) -> npt.NDArray[np.int64]:
    """Return the positions of a row in the order of an array whose time dim `context` splits: int[T].

    A row is cut into 2 C chunks, and device c of C has chunks c and 2 C - 1 - c (Llama team 2024, section 3.3.2): of
    queries that see many keys as many as of queries that see few.
    """
    chunks = np.arange(time).reshape(2 * devices, -1)
    return np.concatenate([chunks[[device, 2 * devices - 1 - device]].ravel() for device in range(devices)])


def gather_time(x_bt: jax.Array) -> jax.Array:
    """Gather [B, T / C, ...] of each device, ordered by `time_order`, to [B, T, ...] in the order of the row; inside
    `shard_map`."""
    devices = jax.lax.axis_size("context")
    if devices == 1:
        return x_bt
    batch, local = x_bt.shape[:2]
    parts = jax.lax.all_gather(x_bt, "context", axis=1).reshape(batch, devices, 2, local // 2, *x_bt.shape[2:])
    early, late = parts[:, :, 0], jnp.flip(parts[:, :, 1], axis=1)
    return jnp.concatenate([early, late], axis=1).reshape(batch, devices * local, *x_bt.shape[2:])
