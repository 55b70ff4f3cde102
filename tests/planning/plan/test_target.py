"""Targets: devices to compile for, which need not be present."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import SingleDeviceSharding

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.hardware import find, write
from tanuki_jax.planning.plan.target import parse


@pytest.mark.parametrize(
    ("text", "count", "per_node"),
    [
        ("h100:3x8", 24, 8),
        ("h100:8", 8, 8),
        ("h200:1", 1, 1),
        ("b200:2x4", 8, 4),
        ("v5p:2x2x4", 16, 16),
        ("v5e:4x4", 16, 16),
        ("cpu:2x4", 8, 4),
    ],
)
def test_numbers_are_nodes_and_devices_or_a_slice(text: str, count: int, per_node: int) -> None:
    target = parse(text)
    assert (target.name, target.count, target.per_node) == (text, count, per_node)


def test_a_hardware_file_is_a_target(tmp_path: Path) -> None:
    write(find("h200"), tmp_path / "ours.toml")
    target = parse(f"{tmp_path}/ours.toml:2x8")
    assert (target.count, target.hardware) == (16, find("h200"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("h1000:1x8", "there is no target 'h1000'; the nearest is h100"),
        ("h100", "the target 'h100' has no number of devices; write NODESxDEVICES behind it, as in h100:1x8"),
        ("h100:", "must end in numbers above 0 with x between them, not ''"),
        ("h100:0x8", "must end in numbers above 0"),
        ("h100:2x8x1", "must have two numbers, NODESxDEVICES, as in h100:2x8"),
        ("h100:16", "a node of h100 has 8 devices, not 16; write h100:2x8"),
        ("h100:12", "a node of h100 has 8 devices, not 12; choose a multiple of 8"),
    ],
)
def test_an_invalid_target_is_refused_with_a_remedy(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse(text)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_cpu_devices_are_those_that_jax_was_started_with() -> None:
    assert parse("cpu:1x4").devices() == jax.devices()[:4]
    with pytest.raises(
        InputError, match=r"started with 8 CPU devices, not 16; set XLA_FLAGS=--xla_force_host_platform_device_count=16"
    ):
        parse("cpu:2x8").devices()


@pytest.mark.parametrize(("text", "extra"), [("h200:1", "gpu"), ("v5p:2x2x1", "tpu")])
def test_without_the_compiler_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch, text: str, extra: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=rf"tanuki-jax\[{extra}\]"):
        parse(text).devices()


@pytest.mark.gpu_compile
@pytest.mark.parametrize("numbers", ["1", "8", "3x8"])
@pytest.mark.parametrize(("name", "kind"), [("a100", "A100"), ("h100", "H100"), ("h200", "H200"), ("b200", "B200")])
def test_programs_compile_for_absent_devices(name: str, kind: str, numbers: str) -> None:
    target = parse(f"{name}:{numbers}")
    devices = target.devices()
    assert len(devices) == target.count and all(kind in device.device_kind for device in devices)
    array = jax.ShapeDtypeStruct((256, 256), jnp.bfloat16, sharding=SingleDeviceSharding(devices[0]))
    memory = jax.jit(jnp.matmul).lower(array, array).compile().memory_analysis()
    assert memory is not None and memory.argument_size_in_bytes == 2 * 256 * 256 * 2
