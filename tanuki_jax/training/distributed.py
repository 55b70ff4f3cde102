"""Several processes as one program."""

import contextlib
import os
import threading
from collections.abc import Callable, Generator
from importlib import metadata
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from tanuki_jax.base.errors import InputError, Unstable, as_command_error

LONGEST = 16_384
"""Bytes of the longest text that processes agree on."""
HEARTBEAT_SECONDS = 30
"""After so long without a sign of life a process counts as dead, and JAX ends the others (exit code 134); JAX itself waits 100. Signs of
life come from a thread of their own, outside Python, twice within that time: a process that compiles or writes is not silent, and one on a
host that swaps or moves may be for seconds."""
LAST_WORDS_SECONDS = 2.0
"""A process of several that fails has so long to say why."""


def join() -> None:
    """Joins the other processes of this job, before any device is touched.

    Their coordinator is what the environment says in JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID; without the first, JAX
    finds it on SLURM, in a TPU slice and under Open MPI.

    InputError if there is no such job.
    """
    if address := os.environ.get("JAX_COORDINATOR_ADDRESS"):
        count, number = _number("JAX_NUM_PROCESSES"), _number("JAX_PROCESS_ID")
        jax.distributed.initialize(
            address,
            count,
            number,
            cluster_detection_method="deactivate",  # no guessing which devices are meant
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
        )
        return
    try:
        jax.distributed.initialize(heartbeat_timeout_seconds=HEARTBEAT_SECONDS)
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


@contextlib.contextmanager
def failing_alone() -> Generator[None]:
    """Where one process of several may fail within the context: it leaves without the others.

    At its end JAX would wait for all processes to come to theirs, which may be waiting for this one. So it ends LAST_WORDS_SECONDS after
    the exception, with the code of the door, and the others learn of it.
    """
    try:
        yield
    except BaseException as error:
        if jax.process_count() > 1:
            command_error = as_command_error(error)
            timer = threading.Timer(LAST_WORDS_SECONDS, os._exit, [command_error.code if command_error else 1])
            timer.daemon = True
            timer.start()
        raise


def agree(find: Callable[[], str]) -> str:
    """What `find` returns in the first process, in every process; an InputError or Unstable there is raised in all of them."""
    if jax.process_count() == 1:
        return find()
    said = b""
    if jax.process_index() == 0:
        try:
            said = b"0" + find().encode()
        except (InputError, Unstable) as error:
            said = f"{error.code}{error}".encode()
    message = np.zeros(LONGEST, np.uint8)
    said = said[:LONGEST]
    message[: len(said)] = np.frombuffer(said, np.uint8)
    heard = np.asarray(multihost_utils.broadcast_one_to_all(message)).tobytes().rstrip(b"\0").decode(errors="ignore")
    code, text = int(heard[0]), heard[1:]
    if code:
        raise {kind.code: kind for kind in (InputError, Unstable)}[code](text)
    return text


def surroundings() -> dict[str, Any]:
    """Versions and devices that a run uses."""
    packages = ("tanuki-jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "tensorstore")
    return {
        "versions": {package: metadata.version(package) for package in packages},
        "devices": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
        "processes": jax.process_count(),
    }
