"""Grouped matmul by its definition: the oracle of the other backends."""

import jax
import jax.numpy as jnp


def reference(x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array) -> jax.Array:
    """Multiply every row by every expert in float32, and keep the product with its own."""
    ends = jnp.cumsum(group_sizes_e)
    row = jnp.arange(x_td.shape[0])[:, None]
    chosen_te = (row >= ends - group_sizes_e) & (row < ends)
    products_tef = jnp.einsum("td,edf->tef", x_td.astype(jnp.float32), w_edf.astype(jnp.float32), precision="highest")
    return jnp.where(chosen_te[..., None], products_tef, 0.0).sum(1).astype(x_td.dtype)
