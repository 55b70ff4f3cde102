"""Runs of the train door in processes that are forked from one that has imported everything: a start costs no import of jax."""

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
"""Seconds after which what should have happened has not."""


class Run:
    """One process of `python -m tanuki_jax.train`, or as good as: forked, it does what that does and dies of what that dies of."""

    def __init__(self, process: BaseProcess, said: Path) -> None:
        self._process, self._said = process, said

    @property
    def said(self) -> str:
        """What it wrote to stdout and stderr."""
        return self._said.read_text(errors="replace") if self._said.exists() else ""

    @property
    def ended(self) -> bool:
        return self._process.exitcode is not None

    def signal(self, number: signal.Signals) -> bool:
        """Whether it was still there to be told."""
        assert self._process.pid is not None
        if not self.ended:
            os.kill(self._process.pid, number)
            return True
        return False

    def code(self, seconds: float = PATIENCE) -> int:
        """Waits for its exit code; minus the number of the signal that it died of."""
        self._process.join(seconds)
        if self._process.exitcode is None:
            self._process.kill()
            raise AssertionError(f"still running after {seconds:g} s:\n{self.said[-2000:]}")
        return self._process.exitcode

    def wait_until(self, true: Callable[[], bool]) -> Self:
        """Returns when something has become true or the process has ended."""
        end = time.monotonic() + PATIENCE
        while not self.ended and not true():
            assert time.monotonic() < end, f"nothing after {PATIENCE:g} s:\n{self.said[-2000:]}"
            time.sleep(0.005)
        return self


class Runs:
    """Starts runs of a workspace's config, and looks at their folders."""

    def __init__(self, workspace: Workspace, output: Path) -> None:
        self.workspace, self._output, self._count = workspace, output, 0

    def start(self, *words: str, **environment: str) -> Run:
        self._count += 1
        said = self._output / f"{self._count}.txt"
        own = {"JAX_COMPILATION_CACHE_DIR": os.environ["JAX_COMPILATION_CACHE_DIR"]} | environment
        arguments = ((f"--config={self.workspace.config}", *words), str(self.workspace.folder), str(said), own)
        process = _server().Process(target=_train, args=arguments)
        process.start()
        return Run(process, said)

    def start_pair(self, *words: str) -> list[Run]:
        """Two processes of four devices each."""
        with socket.create_server(("", 0)) as server:
            address = f"localhost:{server.getsockname()[1]}"
        flags = os.environ["XLA_FLAGS"] + " --xla_force_host_platform_device_count=4"
        job = {"JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": "2", "XLA_FLAGS": flags}
        return [self.start("--distributed", *words, JAX_PROCESS_ID=str(number), **job) for number in range(2)]

    def finish(self, name: str, *words: str, processes: int = 1) -> list[dict[str, Any]]:
        """Trains to the end; the metrics of the run."""
        words = ("--name", name, *words)
        for run in self.start_pair(*words) if processes == 2 else [self.start(*words)]:
            code = run.code()
            assert code == 0, f"{name} ended with {code}:\n{run.said[-3000:]}"
        return self.workspace.metrics(name)

    def folder(self, name: str) -> Path:
        return self.workspace.folder / "runs" / name

    def steps(self, name: str) -> int:
        """The last step of a run that is in its metrics."""
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


def _train(words: tuple[str, ...], folder: str, said: str, environment: Mapping[str, str]) -> None:
    os.chdir(folder)
    os.environ.update(environment)
    file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (1, 2):
        os.dup2(file, stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv[1:] = words
    from tanuki_jax.base.command import enter
    from tanuki_jax.train import main

    try:
        enter("train", main)
    finally:
        sys.stdout.flush()
        atexit._run_exitfuncs()  # as Python does at the end of a process that was not forked
