"""Devices that are compiled for, not run on."""

import importlib.util

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import SingleDeviceSharding

from tanuki_jax.errors import InputError
from tanuki_jax.plan import target


def test_targets_are_those_whose_figures_are_in_the_package() -> None:
    assert target.names() == ["h100", "h200"]


@pytest.mark.parametrize(("name", "count"), [("h300", 1), ("h200", 0), ("h200", 12)])
def test_another_name_or_number_of_devices_is_refused_in_a_sentence(name: str, count: int) -> None:
    with pytest.raises(InputError, match=r"^(there is no target|a target has 1 to 8)"):
        target.devices(name, count)


def test_without_the_cuda_compiler_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"tanuki-jax\[gpu\]"):
        target.devices("h200")


@pytest.mark.gpu_compile
@pytest.mark.parametrize("count", [1, 8, 24])
@pytest.mark.parametrize(("name", "kind"), [("h100", "H100"), ("h200", "H200")])
def test_programs_compile_for_devices_that_are_not_here(name: str, kind: str, count: int) -> None:
    devices = target.devices(name, count)
    assert len(devices) == count and all(kind in device.device_kind for device in devices)
    array = jax.ShapeDtypeStruct((256, 256), jnp.bfloat16, sharding=SingleDeviceSharding(devices[0]))
    memory = jax.jit(jnp.matmul).lower(array, array).compile().memory_analysis()
    assert memory is not None and memory.argument_size_in_bytes == 2 * 256 * 256 * 2
