"""The Hopper kernels of attention compiled for an H200 (an H100 is alike), without one: no register may spill."""

import functools

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.kernels.attention.attention import choose
from tanuki_jax.lm.model.remat import policy
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharded_attention import make_attend
from tanuki_jax.planning.compiled import ptxas
from tanuki_jax.planning.plan.target import parse

pytestmark = pytest.mark.gpu_compile


def gradients(mesh: Mesh, time: int, heads: tuple[int, int], dim: int, remat: str = "") -> jax.stages.Compiled:
    """Compile forward and backward pass of four rows on a mesh, with the attention that is chosen for its devices."""
    attend = make_attend(mesh, "auto")
    if remat:
        attend = jax.checkpoint(attend, policy=policy(remat))

    def loss(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> jax.Array:
        return jnp.sum(jnp.square(attend(q, k, v, segment_ids, positions).astype(jnp.float32)))

    def array(*shape: int, dtype: jnp.dtype, spec: P) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh, spec))

    per_head = functools.partial(array, dtype=jnp.dtype(jnp.bfloat16), spec=P("fsdp", None, "tensor", None))
    ids = array(4, time, dtype=jnp.dtype(jnp.int32), spec=P("fsdp", None))
    q, kv = per_head(4, time, heads[0], dim), per_head(4, time, heads[1], dim)
    with jax.set_mesh(mesh):
        return jax.jit(jax.grad(loss, argnums=(0, 1, 2))).lower(q, kv, kv, ids, ids).compile()


@pytest.mark.parametrize(
    ("time", "heads", "dim"), [(2048, (32, 8), 128), (8192, (32, 8), 128), (301, (8, 8), 64), (4096, (8, 1), 64)]
)
def test_no_register_spills(time: int, heads: tuple[int, int], dim: int) -> None:
    mesh = make_mesh(Layout(), parse("h200:1").devices())
    jax.clear_caches()
    with ptxas.listening() as heard:
        gradients(mesh, time, heads, dim)
    kernels = ptxas.parse(heard[0])
    assert len(kernels) == 3
    assert [kernel for kernel in kernels if kernel.spills or kernel.stack] == []


def test_rows_and_heads_are_split_without_communication() -> None:
    mesh = make_mesh(Layout(fsdp=4, tensor=2), parse("h200:8").devices())
    program = gradients(mesh, 2048, (8, 2), 128).as_text() or ""
    assert program.count('custom_call_target="mosaic_gpu') == 3
    assert [
        name for name in ("all-gather", "all-reduce", "all-to-all", "collective-permute") if f"{name}(" in program
    ] == []


@pytest.mark.parametrize(("remat", "kernels"), [("full", 4), ("attention", 3), ("dots", 3)])
def test_the_forward_kernel_runs_again_only_where_its_output_is_not_kept(remat: str, kernels: int) -> None:
    program = gradients(make_mesh(Layout(), parse("h200:1").devices()), 2048, (8, 2), 128, remat).as_text() or ""
    assert program.count('custom_call_target="mosaic_gpu') == kernels


def test_auto_takes_the_kernel_on_hopper_and_nothing_quadratic_beside_it() -> None:
    (hopper,) = parse("h200:1").devices()
    assert choose(hopper, jnp.dtype(jnp.bfloat16), 8192, 128) == "hopper"
    assert choose(hopper, jnp.dtype(jnp.float16), 8192, 128) == "cudnn"
    assert choose(hopper, jnp.dtype(jnp.float32), 2048, 128) == "chunked"
    with pytest.raises(InputError, match=r"no attention kernel takes float32, head dim 128, 8192 keys on gpu 9\.0"):
        choose(hopper, jnp.dtype(jnp.float32), 8192, 128)
