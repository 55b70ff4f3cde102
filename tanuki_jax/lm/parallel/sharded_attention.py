"""Attention on a mesh: rows and heads are split, and each device runs its own kernel."""

import functools

import jax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.attention import PLATFORMS, Backend, attention, choose
from tanuki_jax.lm.model.transformer import Attend
from tanuki_jax.lm.parallel.context import gather_time
from tanuki_jax.lm.parallel.sharding import ROWS


def make_attend(mesh: Mesh, backend: Backend) -> Attend:
    """Return the `attend` argument of the model on a mesh; `auto` chooses for the mesh's devices, which need not be
    this machine's.

    Where `context` splits time, every device gathers the keys and values of its rows, and their gradients are summed
    and scattered back (Llama team 2024, section 3.3.2). InputError if the backend is for another kind of device, or
    takes undivided rows only.
    """
    device = mesh.devices.flat[0]
    if PLATFORMS.get(backend, device.platform) != device.platform:
        raise InputError(
            f"layout.attention {backend} needs a {PLATFORMS[backend]}, and the devices here are of platform "
            f"{device.platform}"
        )
    heads, time = P(ROWS, "context", "tensor", None), P(ROWS, "context")
    _check_split(mesh, backend)

    def attend(
        q: jax.Array,
        k: jax.Array,
        v: jax.Array,
        segment_ids: jax.Array,
        positions: jax.Array,
        window: int | None = None,
    ) -> jax.Array:
        chosen = choose(device, q.dtype, k.shape[1], q.shape[3]) if backend == "auto" else backend
        _check_split(mesh, chosen)

        @functools.partial(
            jax.shard_map,
            mesh=mesh,
            in_specs=(heads, heads, heads, time, time),
            out_specs=heads,
            check_vma=False,  # kernels do not declare over which axes their results vary
        )
        def local(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> jax.Array:
            k, v, kv_segment_ids, kv_positions = (gather_time(x) for x in (k, v, segment_ids, positions))
            ids = segment_ids, kv_segment_ids, positions, kv_positions
            return attention(q, k, v, *ids, window=window, backend=chosen)[0]

        return local(q, k, v, segment_ids, positions)

    return attend


def _check_split(mesh: Mesh, backend: Backend) -> None:
    """Raise InputError if a backend that takes undivided rows would get parts of them."""
    for axis, backends in (("context", ("cudnn", "tpu")), ("stage", ("cudnn",))):
        if mesh.shape[axis] > 1 and backend in backends:
            raise InputError(
                f"attention by {backend} does not go with layout.{axis} {mesh.shape[axis]}; layout.attention names "
                "another backend"
            )
