"""Attention on a mesh: rows and heads are split, and each device has its own kernel."""

import functools

import jax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from tanuki_jax.errors import InputError
from tanuki_jax.kernels.attention.attention import PLATFORMS, Backend, attention, choose
from tanuki_jax.model.llama import Attend
from tanuki_jax.parallel.sharding import ROWS


def make_attend(mesh: Mesh, backend: Backend) -> Attend:
    """The `attend` argument of the model on this mesh; `auto` chooses for the mesh's devices, which need not be this machine's.

    Where time is split over `context`, every device gathers the keys and values of its rows. InputError if the backend is for another
    kind of device.
    """
    device = mesh.devices.flat[0]
    if PLATFORMS.get(backend, device.platform) != device.platform:
        raise InputError(f"layout.attention {backend} needs a {PLATFORMS[backend]}, and the devices here are of platform {device.platform}")
    heads = P(ROWS, "context", "tensor", None)
    gathered = P(ROWS, None, "tensor", None)
    time, whole = P(ROWS, "context"), P(ROWS, None)

    def attend(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> jax.Array:
        chosen = choose(device, q.dtype, k.shape[1], q.shape[3]) if backend == "auto" else backend

        @functools.partial(
            jax.shard_map,
            mesh=mesh,
            in_specs=(heads, gathered, gathered, time, whole, time, whole),
            out_specs=heads,
            check_vma=False,  # kernels do not say over which axes their results vary
        )
        def local(*rows: jax.Array) -> jax.Array:
            return attention(*rows, backend=chosen)[0]

        return local(q, k, v, segment_ids, segment_ids, positions, positions)

    return attend
