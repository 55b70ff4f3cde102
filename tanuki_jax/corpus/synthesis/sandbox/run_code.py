"""Run Python code that a model wrote, with its tests, in a process of its own with limits."""

import contextlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import Limits, PositiveFloat, PositiveInt

TAIL = 2_000
"""Number of characters at the end of the output that are kept."""
_PROGRAM = Path(__file__).with_name("contained_process.py")
_MEGABYTE = 1 << 20
_NOBODY = 65_534


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """Limits of code that runs."""

    seconds: PositiveFloat = 10.0
    """Longest time by the clock, in seconds."""
    cpu_seconds: PositiveInt = 5
    """Longest time of computing of a process, in seconds."""
    memory_megabytes: Annotated[int, Limits(at_least=64)] = 512
    """Largest address space of a process, in MiB."""
    processes: PositiveInt = 16
    """Largest number of processes and threads."""
    open_files: Annotated[int, Limits(at_least=16)] = 64
    """Largest number of open files of a process."""
    disk_megabytes: PositiveInt = 16
    """Size of the folder that the code may write to, in MiB (without namespaces: of a file)."""
    output_megabytes: PositiveInt = 4
    """Longest output, in MiB; code that writes more is ended, and has failed."""
    namespaces: bool = True
    """Whether to use namespaces where the kernel allows them."""


@dataclass(frozen=True, slots=True)
class CodeResult:
    """Result of code and its tests."""

    outcome: Literal["passed", "failed", "timed out", "out of memory"]
    """Outcome; passed: the code and then all of the tests ran to their end, without an error."""
    output: str
    """Last characters of what they printed, and of the error that ended them."""
    namespaces: bool
    """Whether they ran in namespaces of their own."""

    @property
    def passed(self) -> bool:
        """Whether the tests ran to their end without an error."""
        return self.outcome == "passed"


def run_code(solution: str, tests: str, sandbox: Sandbox | None = None) -> CodeResult:
    """Return what comes of code and tests that run after it in one module, named `solution`.

    The process has an empty environment, an empty folder, no standard input, the standard library alone, and the limits
    of `Sandbox`. When it ends, or its time is over, all processes that it started are killed.

    - With namespaces (where the kernel gives them to an unprivileged process): there is no network, other processes
      cannot be seen or killed, all files are read-only but a folder in memory, and no capabilities are left. The code
      can still read the files that all users may read, use the memory for each of its processes, and try the faults
      of the kernel itself.
    - Without them: Landlock, where the kernel has it, refuses changes of files outside the folder (Linux 5.13), TCP
      (6.7), and signals to other processes (6.12). An audit hook of Python refuses these too, and new processes, all
      sockets and ctypes. The hook alone stops accidents; code that means harm can get around it. asyncio does not
      work, because it needs sockets.

    Tests are seen to have run by a random word, which is read from a pipe after their last line, so that code that ends
    the process early, whatever it prints, has failed. Code that reads the pipe itself, or whose objects are equal to
    everything, is not found out: it shares the interpreter with its tests.

    Raises:
        InputError: the process cannot be started.
    """
    if sys.platform != "linux":
        raise InputError("code that a model wrote is run on Linux alone; leave it out, or start the command on Linux")
    sandbox = sandbox or Sandbox()
    word = secrets.token_hex(16)
    with contextlib.ExitStack() as pipes:
        folder = pipes.enter_context(_folder())
        report, report_end = _pipe(pipes)
        token_end, token = _pipe(pipes)
        os.write(token, word.encode())
        source = json.dumps({"solution": solution, "tests": tests}).encode()
        process = subprocess.Popen(
            _command(sandbox, report_end, token_end),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={},
            cwd=folder / "work",
            pass_fds=(report_end, token_end),
            start_new_session=True,
        )
        watch = _Watch(process, report, source, sandbox)
        try:
            watch.run()
        finally:
            watch.kill()
        return watch.result(word)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Make a temporary folder with two empty ones: "work" for the code, and "python" to mount Python's library at."""
    with tempfile.TemporaryDirectory(prefix="sandbox-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for made in (folder / "work", folder / "python", folder):
            made.mkdir(exist_ok=True)
            if os.getuid() == 0:
                with contextlib.suppress(OSError):  # root in a namespace of one user cannot, and need not
                    os.chown(made, _NOBODY, _NOBODY)
        yield folder


def _command(sandbox: Sandbox, report: int, token: int) -> list[str]:
    limits = {
        "cpu_seconds": sandbox.cpu_seconds,
        "memory_bytes": sandbox.memory_megabytes * _MEGABYTE,
        "processes": sandbox.processes,
        "open_files": sandbox.open_files,
        "disk_bytes": sandbox.disk_megabytes * _MEGABYTE,
    }
    options = ["-I", "-S", "-B", "-X", "utf8", str(_PROGRAM)]
    arguments = [str(report), str(token), "yes" if sandbox.namespaces else "no", json.dumps(limits)]
    return [sys.executable, *options, *arguments]


def _pipe(pipes: contextlib.ExitStack) -> tuple[int, int]:
    """Return the two ends of a pipe, which are closed with the stack."""
    ends = os.pipe()
    for end in ends:
        pipes.callback(os.close, end)
    return ends


class _Watch:
    """The process, from its start to its end, seen from outside."""

    def __init__(self, process: subprocess.Popen[bytes], report: int, source: bytes, sandbox: Sandbox) -> None:
        """Watch a process that was started.

        Args:
            process: the process, whose stdin, stdout and stderr are pipes.
            report: descriptor of the pipe that it reports to.
            source: bytes for its stdin.
            sandbox: limits.
        """
        assert process.stdin is not None and process.stdout is not None
        self._process, self._report, self._sandbox = process, report, sandbox
        self._stdin, self._stdout = process.stdin, process.stdout
        self._waiting = memoryview(source)
        self._deadline = time.monotonic() + sandbox.seconds
        self._output, self._written, self._timed_out = b"", 0, False
        for end in (self._stdin.fileno(), self._stdout.fileno(), report):
            os.set_blocking(end, False)

    def run(self) -> None:
        """Feed and read the process until it ends, or must be ended."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdin, selectors.EVENT_WRITE)
            selector.register(self._stdout, selectors.EVENT_READ)
            ended = os.pidfd_open(self._process.pid)
            try:
                selector.register(ended, selectors.EVENT_READ)
                self._until_end(selector, ended)
            finally:
                os.close(ended)
        self._read()

    def _until_end(self, selector: selectors.BaseSelector, ended: int) -> None:
        while (left := self._deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if key.fd == ended:
                    return
                if key.fileobj is self._stdin and not self._feed():
                    selector.unregister(self._stdin)
                    self._stdin.close()
                elif key.fileobj is self._stdout and not self._read():
                    selector.unregister(self._stdout)  # the code has closed it, and may go on
            if self._written > self._sandbox.output_megabytes * _MEGABYTE:
                return
        self._timed_out = True

    def _feed(self) -> bool:
        """Write what fits into stdin; whether something is left."""
        try:
            self._waiting = self._waiting[os.write(self._stdin.fileno(), self._waiting) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        return len(self._waiting) > 0

    def _read(self) -> bool:
        """Read the output that is there, up to a pipe's size; whether more may come."""
        with contextlib.suppress(BlockingIOError):
            read = os.read(self._stdout.fileno(), _MEGABYTE)
            self._written += len(read)
            self._output = (self._output + read)[-4 * TAIL :]
            return bool(read)
        return True

    def kill(self) -> None:
        """End the process and all that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()

    def result(self, word: str) -> CodeResult:
        """Return what came of the process, which has ended and reported.

        Args:
            word: word that it reports if all tests ran.
        """
        first, reported = "", list[str]()
        with contextlib.suppress(BlockingIOError):
            first, *reported = os.read(self._report, _MEGABYTE).decode(errors="replace").splitlines() or [""]
        output = self._output.decode(errors="replace")[-TAIL:]
        outcome: Literal["passed", "failed", "timed out", "out of memory"] = "failed"
        if word in reported:
            outcome = "passed"
        elif "memory" in reported:
            outcome = "out of memory"
        elif self._timed_out or "time" in reported:
            outcome = "timed out"
        elif not first:
            raise InputError(f"the sandbox does not start: {output.strip() or 'the process ended without a word'}")
        return CodeResult(outcome, output, first == "namespaces")
