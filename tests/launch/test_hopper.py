"""Settings of XLA, CUDA and NCCL on Hopper."""

import sys

from tests.launch.conftest import Site

VARIABLES = [
    "XLA_FLAGS",
    "JAX_OPTIMIZATION_LEVEL",
    "CUDA_DEVICE_MAX_CONNECTIONS",
    "NCCL_LAUNCH_MODE",
]


def test_this_jax_knows_every_flag(site: Site) -> None:
    program = "import jax; print(jax.devices()[0].platform, jax.config.jax_optimization_level)"
    ready = site.run("sh", "-c", f". launch/hopper.sh; exec {sys.executable} -c '{program}'", XLA_FLAGS="")
    assert (ready.returncode, ready.stdout) == (0, "cpu O1\n"), ready.stderr
    unknown = site.run(
        "sh", "-c", f". launch/hopper.sh; exec {sys.executable} -c '{program}'", XLA_FLAGS="--xla_gpu_no_such_flag=1"
    )
    assert unknown.returncode != 0 and "Unknown flag in XLA_FLAGS: --xla_gpu_no_such_flag=1" in unknown.stderr


def test_existing_settings_win(site: Site) -> None:
    existing = dict.fromkeys(VARIABLES, "existing")
    script = ". launch/hopper.sh; " + "; ".join(f'echo "${name}"' for name in VARIABLES)
    flags, *others = site.run("sh", "-euc", script, **existing).stdout.splitlines()
    assert flags.startswith("--") or flags.startswith(" --")
    assert flags.endswith(" existing") and others == ["existing"] * 3
