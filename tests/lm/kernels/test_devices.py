"""Devices, and platforms that are not there."""

import os
import subprocess
import sys

import jax
import pytest

from tanuki_jax.config.hardware import find
from tanuki_jax.lm.kernels.devices import MEMORY_SHARE, devices, memory_warning, reserve_memory

TRY = """
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.hardware import find
from tanuki_jax.lm.kernels.devices import MEMORY_SHARE, devices, memory_warning, reserve_memory
try:
    devices()
except InputError as error:
    print(error)
"""


def test_all_devices_are_returned() -> None:
    assert devices() == jax.devices()


@pytest.mark.parametrize("platform", ["cuda", "tpu", "gpuu"])
def test_a_platform_that_is_not_here_is_named(platform: str) -> None:
    environment = os.environ | {"JAX_PLATFORMS": platform, "TPU_SKIP_MDS_QUERY": "1"}
    run = subprocess.run([sys.executable, "-c", TRY], env=environment, text=True, capture_output=True, check=True)
    assert run.stdout.startswith(f"there are no devices of JAX_PLATFORMS={platform}: "), run.stderr
    assert run.stdout.count("\n") == 1


def test_a_share_of_the_memory_is_reserved_unless_one_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_CLIENT_MEM_FRACTION", "")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.5")
    reserve_memory()
    assert os.environ["XLA_CLIENT_MEM_FRACTION"] == ""  # jax refuses both names together
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert memory_warning().startswith("XLA_PYTHON_CLIENT_MEM_FRACTION=0.5 reserves less of each GPU than the 0.92")
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION")
    reserve_memory()
    assert os.environ["XLA_CLIENT_MEM_FRACTION"] == str(MEMORY_SHARE) and memory_warning() == ""


@pytest.mark.parametrize("name", ["h100", "h200", "a100", "b200"])
def test_a_plan_leaves_free_what_is_not_reserved(name: str) -> None:
    assert find(name).margin_share >= 1 - MEMORY_SHARE - 1e-9
