"""The Hopper kernels as machine code for GPUs, without one: registers, spills, temporaries."""

import functools
import re
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.lm.kernels.grouped_matmul.grouped_matmul import grouped_matmul
from tanuki_jax.planning.plan.target import parse

pytestmark = pytest.mark.gpu_compile


@pytest.fixture(autouse=True)
def assembler_reports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MOSAIC_GPU_DUMP_PTXAS", "1")
    jax.config.update("jax_enable_compilation_cache", False)  # what is read from the cache was assembled before
    yield
    jax.config.update("jax_enable_compilation_cache", True)


@pytest.mark.parametrize(
    ("gpu", "tokens", "experts", "inputs", "outputs"),
    [
        ("h200", 16384, 8, 4096, 14336),
        ("h100", 32768, 8, 4096, 14336),
        ("h200", 32768, 8, 14336, 4096),
        ("h200", 20000, 64, 2048, 1408),
        ("h200", 100, 5, 640, 384),
    ],
)
def test_all_three_products_compile_without_a_spill(
    gpu: str, tokens: int, experts: int, inputs: int, outputs: int, capfd: pytest.CaptureFixture[str]
) -> None:
    sharding = jax.NamedSharding(jax.sharding.Mesh(np.array(parse(f"{gpu}:1").devices()), ("data",)), jax.P())

    def array(*shape: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, jnp.bfloat16, sharding=sharding)

    @jax.jit
    def products(
        x: jax.Array, w: jax.Array, sizes: jax.Array, g: jax.Array
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        out, pull = jax.vjp(lambda x, w: grouped_matmul(x, w, sizes, backend="hopper"), x, w)
        return out, pull(g)

    sizes = jax.ShapeDtypeStruct((experts,), jnp.int32, sharding=sharding)
    compiled = products.lower(
        array(tokens, inputs), array(experts, inputs, outputs), sizes, array(tokens, outputs)
    ).compile()
    report = capfd.readouterr()
    spills = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", report.out + report.err)
    assert spills == [("0", "0")] * 3
    registers = [int(used) for used in re.findall(r"Used (\d+) registers", report.out + report.err)]
    assert max(registers) <= 168  # three warpgroups have no more
    rests = 2 * experts * 128 * (inputs + outputs)
    memory = compiled.memory_analysis()
    assert memory is not None
    assert memory.temp_size_in_bytes <= rests + 2**20


@pytest.mark.parametrize("check_vma", [False, True])
def test_devices_may_have_rows_of_their_own(check_vma: bool) -> None:
    mesh = jax.sharding.Mesh(np.array(parse("h200:2").devices()), ("data",))
    specs = (jax.P("data"), jax.P(), jax.P("data"))

    @functools.partial(jax.shard_map, mesh=mesh, in_specs=specs, out_specs=jax.P("data"), check_vma=check_vma)
    def split(x: jax.Array, w: jax.Array, sizes: jax.Array) -> jax.Array:
        return grouped_matmul(x, w, sizes[0], backend="hopper")

    def loss(x: jax.Array, w: jax.Array, sizes: jax.Array) -> jax.Array:
        return split(x, w, sizes).astype(jnp.float32).sum()

    shapes = (((2048, 256), jnp.bfloat16), ((4, 256, 384), jnp.bfloat16), ((2, 4), jnp.int32))
    arrays = (
        jax.ShapeDtypeStruct(shape, dtype, sharding=jax.NamedSharding(mesh, spec))
        for (shape, dtype), spec in zip(shapes, specs, strict=True)
    )
    program = jax.jit(jax.grad(loss, argnums=(0, 1))).lower(*arrays).compile().as_text()
    assert program is not None
    assert program.count('custom_call_target="mosaic_gpu_v2"') == 2 and "all-reduce" in program
