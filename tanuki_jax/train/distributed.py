"""Several processes as one program."""

import os
from collections.abc import Callable
from importlib import metadata
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from tanuki_jax.errors import InputError

LONGEST = 16_384
"""Bytes of the longest text that processes agree on."""


def join() -> None:
    """Joins the other processes of this job, before any device is touched.

    Their coordinator is what the environment says in JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID; without the first, JAX
    finds it on SLURM, in a TPU slice and under Open MPI.

    InputError if there is no such job.
    """
    if address := os.environ.get("JAX_COORDINATOR_ADDRESS"):
        count, number = _number("JAX_NUM_PROCESSES"), _number("JAX_PROCESS_ID")
        jax.distributed.initialize(address, count, number, cluster_detection_method="deactivate")  # no guessing which devices are meant
        return
    try:
        jax.distributed.initialize()
    except ValueError as error:
        raise InputError(
            "--distributed joins the processes of a job, and there is none here: no SLURM, TPU slice or Open MPI was found, and"
            " JAX_COORDINATOR_ADDRESS is not set"
        ) from error


def _number(name: str) -> int:
    said = os.environ.get(name, "")
    if not said.isdecimal():
        raise InputError(f"with JAX_COORDINATOR_ADDRESS, {name} must be a whole number, and is '{said}'")
    return int(said)


def agree(find: Callable[[], str]) -> str:
    """What `find` returns in the first process, in every process; an InputError there is raised in all of them."""
    if jax.process_count() == 1:
        return find()
    said = b""
    if jax.process_index() == 0:
        try:
            said = b"=" + find().encode()
        except InputError as error:
            said = b"!" + str(error).encode()
    message = np.zeros(LONGEST, np.uint8)
    said = said[:LONGEST]
    message[: len(said)] = np.frombuffer(said, np.uint8)
    heard = np.asarray(multihost_utils.broadcast_one_to_all(message)).tobytes().rstrip(b"\0").decode(errors="ignore")
    if heard.startswith("!"):
        raise InputError(heard[1:])
    return heard[1:]


def surroundings() -> dict[str, Any]:
    """Versions and devices that a run uses."""
    packages = ("tanuki-jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "tensorstore")
    return {
        "versions": {package: metadata.version(package) for package in packages},
        "devices": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
        "processes": jax.process_count(),
    }
