"""Devices, and platforms that are not there."""

import os
import subprocess
import sys

import jax
import pytest

from tanuki_jax.lm.kernels.devices import devices

TRY = """
from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.devices import devices
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
