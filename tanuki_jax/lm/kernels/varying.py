"""Arrays inside `shard_map`, and the mesh axes along which they vary."""

import jax


def varying[T: jax.Array](x: T, *like: jax.Array) -> T:
    """Mark x inside `shard_map` as varying along every mesh axis along which any of the others does.

    The axes are sorted: the order of a set of strings differs between processes, and all of them must trace the same
    program.
    """
    axes = (
        frozenset[str]().union(*(jax.typeof(y).manual_axis_type.varying for y in like))
        - jax.typeof(x).manual_axis_type.varying
    )
    return jax.lax.pcast(x, tuple(sorted(axes)), to="varying") if axes else x
