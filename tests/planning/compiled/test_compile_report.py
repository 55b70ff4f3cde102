"""Report on programs compiled for a GPU that is not present."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.experimental.compilation_cache import compilation_cache

from tanuki_jax.config.hardware import find
from tanuki_jax.lm.kernels.attention.attention import self_attention
from tanuki_jax.planning.bench import attention, document_rows
from tanuki_jax.planning.bench.sizes import SIZES
from tanuki_jax.planning.compiled import compile_cases, compile_report
from tanuki_jax.planning.compiled.compile_cases import Program, Work
from tanuki_jax.planning.compiled.compile_report import Compiled, compile_program, predict
from tanuki_jax.planning.compiled.ptxas import Kernel
from tanuki_jax.planning.plan.target import parse

KERNEL = Kernel(name="k", registers=168, stack=0, spill_stores=0, spill_loads=0, shared_static=0)


def test_a_prediction_is_the_longer_of_products_and_bytes() -> None:
    h200 = find("h200")
    flops, moved = 0.799 * 989e12, 0.896 * 4.8e12
    bound_by_products = predict(Work("", flops / 2, flops), 43, h200)
    assert (bound_by_products.seconds, bound_by_products.bound) == (1.0, "products")
    assert bound_by_products.tera == pytest.approx(flops / 2e12)
    bound_by_bytes = predict(Work("", flops / 2, flops, rows=4), round(moved / 2), h200)
    assert bound_by_bytes.seconds == pytest.approx(2.0) and bound_by_bytes.bound == "bytes"
    assert bound_by_bytes.tera == pytest.approx(flops / 4e12)


@pytest.mark.parametrize(
    ("compiled", "faults"),
    [
        (Compiled(name="p", kernels=(KERNEL,), shared_memory=(232_448,)), []),
        (Compiled(name="p", error="ValueError: no"), ["p: ValueError: no"]),
        (
            Compiled(
                name="p",
                kernels=(Kernel(name="k", registers=1, stack=0, spill_stores=4, spill_loads=8, shared_static=0),),
            ),
            ["p: k spills 12 bytes"],
        ),
        (Compiled(name="p", shared_memory=(232_449,)), ["p: a kernel requests 232449 bytes of shared memory"]),
    ],
)
def test_errors_spills_and_too_much_shared_memory_are_faults(compiled: Compiled, faults: list[str]) -> None:
    assert compiled.faults == faults


def test_recomputation_and_full_tiles_are_issued() -> None:
    """One document: useful work is the triangle of visible pairs; kernels add two products and full tiles."""
    time, heads, dim = 1024, 2, 128
    work = compile_cases.attention_work("", document_rows.one_document(1, time), heads, dim, 1.0)
    assert work.useful == 14 * dim * heads * time * (time + 1) / 2
    least = (4 + 14) * dim * heads * time * (time + 1) / 2
    assert least < work.issued < 1.25 * least


def test_the_kernels_of_all_configs_are_compiled() -> None:
    names = [program.name for program in compile_cases.programs(SIZES["full"])]
    for words in (
        "hopper, D 64, 1 query",
        "hopper, D 128, 8 query",
        "cudnn, D 128",
        "cross-entropy",
        "grouped-matmul hopper",
        "remat full",
    ):
        assert any(words in name for name in names), words
    assert len(set(names)) == len(names)


def test_a_report_keeps_the_results_of_every_version_of_jax(tmp_path: Path) -> None:
    path = tmp_path / "compiled.json"
    for version in ("0.11.2", "0.12.0.1", "0.12.0.1"):
        prediction = predict(Work("", 79e12, 79e12), 0, find("h200"))
        compiled = Compiled(name="p", kernels=(KERNEL,), predictions=(prediction,))
        compile_report.keep(path, "h200", [compiled], version)
    kept = json.loads(path.read_text())
    assert (kept["target"], list(kept["jax"])) == ("h200", ["0.11.2", "0.12.0.1"])
    (program,) = kept["jax"]["0.12.0.1"]["programs"]
    assert program["kernels"][0]["registers"] == 168 and program["predictions"][0]["useful_tflops"] == pytest.approx(
        790, rel=1e-3
    )


@pytest.fixture
def no_compilation_cache() -> Iterator[None]:
    """Compile every program, as the command does."""
    jax.config.update("jax_enable_compilation_cache", False)
    compilation_cache.reset_cache()
    yield
    jax.config.update("jax_enable_compilation_cache", True)
    compilation_cache.reset_cache()


def stand_ins(*lowers: Any) -> Any:
    return lambda sizes: [
        Program(f"program {number}", lower, (Work("", 1e9, 1e9),)) for number, lower in enumerate(lowers)
    ]


def jaxs_own_kernel(devices: Any) -> Any:
    shapes = [((1, 512, 2, 64), jnp.bfloat16)] * 3 + [((1, 512), jnp.int32)] * 2
    return compile_cases._lower(lambda q, k, v, *rest: attention.attention_mgpu_peer(q, k, v), shapes, devices)


def ours(devices: Any, group: int = 4) -> Any:
    q, k = ((1, 256, 8, 128), jnp.bfloat16), ((1, 256, 8 // group, 128), jnp.bfloat16)
    shapes = [q, k, k, q, ((1, 256), jnp.int32), ((1, 256), jnp.int32)]
    return compile_cases._lower(
        functools.partial(attention.run, functools.partial(self_attention, backend="hopper"), True), shapes, devices
    )


def fails(devices: Any) -> Any:
    raise ValueError("no such tile\nas it says")


@pytest.mark.gpu_compile
@pytest.mark.usefixtures("no_compilation_cache")
def test_kernels_are_compiled_to_machine_code_without_spills() -> None:
    chips = parse("h200:1").devices()
    for lower, kernels in ((jaxs_own_kernel, 1), (ours, 3)):
        compiled = compile_program(Program("p", lower), chips, find("h200"))
        assert compiled.faults == []
        assert len(compiled.kernels) == len(compiled.shared_memory) == kernels
        assert all(100 < kernel.registers <= 255 for kernel in compiled.kernels)
        assert compiled.memory["peak_bytes"] >= compiled.memory["moved_bytes"] > 0


@pytest.mark.gpu_compile
@pytest.mark.usefixtures("no_compilation_cache")
def test_the_command_fails_and_prints_the_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "compiled.json"
    assert compile_report.run("h200", path, stand_ins(fails, functools.partial(ours, group=2))) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "program 0: ValueError: no such tile"
    assert compile_report.run("h200", path, stand_ins(functools.partial(ours, group=1))) == 0
    (entry,) = json.loads(path.read_text())["jax"].values()
    assert len(entry["programs"][0]["kernels"]) == 3
