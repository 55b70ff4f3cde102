"""Arrays inside `shard_map`, and over which mesh axes they vary."""

import jax


def varying[T: jax.Array](x: T, *like: jax.Array) -> T:
    """x, marked inside `shard_map` as differing along every mesh axis along which any of the others does.

    The axes are sorted: the order of a set of strings differs between processes, and all of them must trace the same program.
    """
    axes = (
        frozenset[str]().union(*(jax.typeof(y).manual_axis_type.varying for y in like))
        - jax.typeof(x).manual_axis_type.varying
    )
    return jax.lax.pcast(x, tuple(sorted(axes)), to="varying") if axes else x
