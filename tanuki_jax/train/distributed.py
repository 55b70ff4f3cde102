"""Several processes as one program."""

import os
from importlib import metadata
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils


def join() -> None:
    """Joins the other processes of this job, before any device is touched.

    Their coordinator is found by JAX on SLURM, Kubernetes, TPU pods and Open MPI; elsewhere it is what the environment says in
    JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID.
    """
    if address := os.environ.get("JAX_COORDINATOR_ADDRESS"):
        jax.distributed.initialize(address, int(os.environ["JAX_NUM_PROCESSES"]), int(os.environ["JAX_PROCESS_ID"]))
    else:
        jax.distributed.initialize()


def agree(value: int) -> int:
    """The first process's `value`, in every process."""
    if jax.process_count() == 1:
        return value
    return int(multihost_utils.broadcast_one_to_all(np.int32(value)))


def surroundings() -> dict[str, Any]:
    """Versions and devices that a run uses."""
    packages = ("tanuki-jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "tensorstore")
    return {
        "versions": {package: metadata.version(package) for package in packages},
        "devices": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
        "processes": jax.process_count(),
    }
