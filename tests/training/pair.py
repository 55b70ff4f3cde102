"""Two processes of one job that run a test's program."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

BEGIN = """
import os, sys, time
import numpy as np
import jax
from jax.experimental import multihost_utils
from tanuki_jax.training import distributed
distributed.join()
number = jax.process_index()

def together():
    multihost_utils.process_allgather(np.zeros(1))
"""


@contextlib.contextmanager
def pair(program: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Run a program in two joined processes. In it `number` is the process, and `together()` a computation of both."""
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
    job = {"JAX_PLATFORMS": "cpu", "JAX_COORDINATOR_ADDRESS": f"localhost:{port}", "JAX_NUM_PROCESSES": "2"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BEGIN + program],
            env=os.environ | job | {"JAX_PROCESS_ID": str(number)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def next_line(process: subprocess.Popen[str]) -> str:
    """Wait for the next line that the program prints, and return it."""
    assert process.stdout is not None
    while (line := process.stdout.readline()).startswith("[Gloo]"):
        pass
    return line
