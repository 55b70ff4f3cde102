"""Devices that are compiled for, not run on."""

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
def test_numbers_are_nodes_and_their_devices_or_a_slice(text: str, count: int, per_node: int) -> None:
    target = parse(text)
    assert (target.name, target.count, target.per_node) == (text, count, per_node)


def test_a_file_of_the_users_own_is_a_target(tmp_path: Path) -> None:
    write(find("h200"), tmp_path / "ours.toml")
    target = parse(f"{tmp_path}/ours.toml:2x8")
    assert (target.count, target.hardware) == (16, find("h200"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("h1000:1x8", "there is no target 'h1000'; the nearest is h100"),
        ("h100", "the target 'h100' says nothing of how many devices there are; write NODESxDEVICES, as in h100:1x8"),
        ("h100:", "must end in numbers above 0 with x between them, not ''"),
        ("h100:0x8", "must end in numbers above 0"),
        ("h100:2x8x1", "must have two numbers, nodes x devices of each, as in h100:2x8"),
        ("h100:16", "a node of h100 has 8 devices, not 16; write h100:2x8"),
        ("h100:12", "a node of h100 has 8 devices, not 12; take a multiple of 8"),
    ],
)
def test_another_word_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        parse(text)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_cpu_devices_are_those_that_jax_was_started_with() -> None:
    assert parse("cpu:1x4").devices() == jax.devices()[:4]
    with pytest.raises(
        InputError, match=r"started with 8 CPU devices, not 16; XLA_FLAGS=--xla_force_host_platform_device_count=16"
    ):
        parse("cpu:2x8").devices()


@pytest.mark.parametrize(("text", "extra"), [("h200:1", "gpu"), ("v5p:2x2x1", "tpu")])
def test_without_the_compiler_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, text: str, extra: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=rf"tanuki-jax\[{extra}\]"):
        parse(text).devices()


@pytest.mark.gpu_compile
@pytest.mark.parametrize("numbers", ["1", "8", "3x8"])
@pytest.mark.parametrize(("name", "kind"), [("a100", "A100"), ("h100", "H100"), ("h200", "H200"), ("b200", "B200")])
def test_programs_compile_for_devices_that_are_not_here(name: str, kind: str, numbers: str) -> None:
    target = parse(f"{name}:{numbers}")
    devices = target.devices()
    assert len(devices) == target.count and all(kind in device.device_kind for device in devices)
    array = jax.ShapeDtypeStruct((256, 256), jnp.bfloat16, sharding=SingleDeviceSharding(devices[0]))
    memory = jax.jit(jnp.matmul).lower(array, array).compile().memory_analysis()
    assert memory is not None and memory.argument_size_in_bytes == 2 * 256 * 256 * 2
