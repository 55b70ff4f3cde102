"""Runs of the train command in forked processes, whose parent has imported all modules: a start does not import jax."""

import atexit
import functools
import json
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

from tests.training.conftest import Workspace

PATIENCE = 300.0
"""Seconds after which a missing event is a failure."""


class Run:
    """A forked process that behaves like `python -m tanuki_jax.train`, also when it is killed."""

    def __init__(self, process: BaseProcess, output: Path) -> None:
        self._process, self._output = process, output

    @property
    def output(self) -> str:
        """The process's stdout and stderr so far."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    @property
    def ended(self) -> bool:
        return self._process.exitcode is not None

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; whether the process was still running."""
        assert self._process.pid is not None
        if not self.ended:
            os.kill(self._process.pid, number)
            return True
        return False

    def code(self, seconds: float = PATIENCE) -> int:
        """Wait for the exit code; minus the number of the signal that killed the process."""
        self._process.join(seconds)
        if self._process.exitcode is None:
            self._process.kill()
            raise AssertionError(f"still running after {seconds:g} s:\n{self.output[-2000:]}")
        return self._process.exitcode

    def wait_until(self, condition: Callable[[], bool]) -> Self:
        """Wait until the condition is true or the process has ended."""
        end = time.monotonic() + PATIENCE
        while not self.ended and not condition():
            assert time.monotonic() < end, f"nothing after {PATIENCE:g} s:\n{self.output[-2000:]}"
            time.sleep(0.005)
        return self


class Runs:
    """Runs of a workspace's config, and their folders."""

    def __init__(self, workspace: Workspace, outputs: Path) -> None:
        self.workspace, self._outputs, self._count = workspace, outputs, 0

    def start(self, *options: str, **environment: str) -> Run:
        self._count += 1
        output = self._outputs / f"{self._count}.txt"
        variables = {"JAX_COMPILATION_CACHE_DIR": os.environ["JAX_COMPILATION_CACHE_DIR"]} | environment
        arguments = (
            (f"--config={self.workspace.config}", *options),
            str(self.workspace.folder),
            str(output),
            variables,
        )
        process = _server().Process(target=_train, args=arguments)
        process.start()
        return Run(process, output)

    def start_pair(self, *options: str) -> list[Run]:
        """Start a job of two processes with four devices each."""
        with socket.create_server(("", 0)) as server:
            address = f"localhost:{server.getsockname()[1]}"
        flags = os.environ["XLA_FLAGS"] + " --xla_force_host_platform_device_count=4"
        job = {"JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": "2", "XLA_FLAGS": flags}
        return [self.start("--distributed", *options, JAX_PROCESS_ID=str(number), **job) for number in range(2)]

    def finish(self, name: str, *options: str, processes: int = 1) -> list[dict[str, Any]]:
        """Train to the end, and return the metrics of the run."""
        options = ("--name", name, *options)
        for run in self.start_pair(*options) if processes == 2 else [self.start(*options)]:
            code = run.code()
            assert code == 0, f"{name} ended with {code}:\n{run.output[-3000:]}"
        return self.workspace.metrics(name)

    def folder(self, name: str) -> Path:
        return self.workspace.folder / "runs" / name

    def steps(self, name: str) -> int:
        """Return the last step in the metrics of a run; 0 before the first."""
        path = self.folder(name) / "metrics.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return max((json.loads(line)["step"] for line in lines if line.endswith("}") and '"loss"' in line), default=0)

    def saving(self, name: str) -> bool:
        """Whether a checkpoint is being written."""
        checkpoints = self.folder(name) / "checkpoints"
        return any(not (path / "state.json").exists() for path in checkpoints.glob("0*"))


@functools.cache
def _server() -> ForkServerContext:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["tanuki_jax.training.job", "tests.faults.runs"])
    return server


def _train(options: tuple[str, ...], folder: str, output: str, environment: Mapping[str, str]) -> None:
    os.chdir(folder)
    os.environ.update(environment)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (1, 2):
        os.dup2(file, stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv[1:] = options
    from tanuki_jax.base.command import enter
    from tanuki_jax.train import main

    try:
        enter("train", main)
    finally:
        sys.stdout.flush()
        atexit._run_exitfuncs()  # a forked process does not run them at its end
