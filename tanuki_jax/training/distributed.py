"""Several processes of one job as one program: joining, agreeing, failing."""

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

HEARTBEAT_SECONDS = 30
"""Seconds without a heartbeat after which a process counts as dead, and JAX ends the others (exit code 134). JAX's own
default is 100. Heartbeats come twice within that time from a thread of their own, outside Python: compiling or writing
does not delay them, a host that swaps or migrates may, for seconds."""
EXIT_SECONDS = 2.0
"""Seconds that one of several processes has to print its error before it is ended."""


def join() -> None:
    """Join the other processes of this job, before any device is used.

    The environment names their coordinator in JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID; without
    the first, JAX finds it on SLURM, in a TPU slice and under Open MPI.

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
            "--distributed joins the processes of a job, and none was found: no SLURM, TPU slice or Open MPI, "
            "and JAX_COORDINATOR_ADDRESS is not set"
        ) from error


def _number(name: str) -> int:
    text = os.environ.get(name, "")
    if not text.isdecimal():
        raise InputError(f"with JAX_COORDINATOR_ADDRESS, {name} must be a whole number, and is '{text}'")
    return int(text)


@contextlib.contextmanager
def fail_fast() -> Generator[None]:
    """End one of several processes soon after an exception in the block, without waiting for the others.

    At a normal exit JAX would wait until all processes exit, and they may be waiting for this one. So it ends
    EXIT_SECONDS after the exception, with the exit code of the command, and JAX ends the others.
    """
    try:
        yield
    except BaseException as error:
        if jax.process_count() > 1:
            command_error = as_command_error(error)
            timer = threading.Timer(EXIT_SECONDS, os._exit, [command_error.code if command_error else 1])
            timer.daemon = True
            timer.start()
        raise


def agree(find: Callable[[], str]) -> str:
    """Call `find` in the first process; return its result, or raise its InputError or Unstable, in every process."""
    if jax.process_count() == 1:
        return find()
    answer = ""
    if jax.process_index() == 0:
        try:
            answer = f"0 {find()}"
        except (InputError, Unstable) as error:
            answer = f"{error.code} {error}"
    code, _, text = _broadcast(answer).partition(" ")
    if code != "0":
        raise {kind.code: kind for kind in (InputError, Unstable)}[int(code)](text)
    return text


def _broadcast(text: str) -> str:
    """Return the first process's text."""
    encoded = np.frombuffer(text.encode(errors="surrogateescape"), np.uint8)
    size = int(multihost_utils.broadcast_one_to_all(np.int32(encoded.size)))
    message = encoded if jax.process_index() == 0 else np.zeros(size, np.uint8)
    return np.asarray(multihost_utils.broadcast_one_to_all(message)).tobytes().decode(errors="surrogateescape")


def environment() -> dict[str, Any]:
    """Return versions and devices that a run uses."""
    packages = ("tanuki-jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "tensorstore")
    return {
        "versions": {package: metadata.version(package) for package in packages},
        "devices": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
        "processes": jax.process_count(),
    }
