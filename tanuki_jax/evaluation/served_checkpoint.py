"""A checkpoint that is served by a process of its own while the block runs."""

import collections
import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress

SERVE = (sys.executable, "-m", "tanuki_jax.serve")
"""Command of the server."""
_ADDRESS = re.compile(r"listening on (http://\S+/v1)")
_SIGNS = ("state.json", "*/state.json", "checkpoints/*/state.json", "*.safetensors")
"""Files of a checkpoint, of a folder of checkpoints, of a run, and of a folder of Hugging Face."""
_LAST_LINES = 5
_END_SECONDS = 20.0


class CannotServe(InputError):
    """A checkpoint of which no server can be started."""


def check_checkpoint(checkpoint: str) -> None:
    """Raise CannotServe if a path has no checkpoint, which a server would say only after it has loaded jax.

    Args:
        checkpoint: PATH or NAME=PATH of a run, a checkpoint or a folder of Hugging Face.
    """
    folder = Path(checkpoint if Path(checkpoint).exists() else checkpoint.partition("=")[2] or checkpoint)
    if not folder.exists():
        raise CannotServe(f"there is no checkpoint at {folder}: no such folder")
    if not any(any(folder.glob(pattern)) for pattern in _SIGNS):
        raise CannotServe(f"there is no checkpoint in {folder}")


@contextlib.contextmanager
def served_checkpoint(
    checkpoint: str, *, idle: bool = False, environment: Mapping[str, str] | None = None, serve: Sequence[str] = SERVE
) -> Iterator[str]:
    """Yield the address of a server of a checkpoint, which ends with the block, and with this process if it is killed.

    Args:
        checkpoint: run, checkpoint or folder of Hugging Face, as `serve --checkpoint` takes it.
        idle: whether the server gets only the processor time that nothing else wants.
        environment: variables of its environment besides those of this process.
        serve: command of the server.

    Raises:
        CannotServe: the checkpoint cannot be served; the error has the server's own words.
    """
    command = [*serve, "--checkpoint", checkpoint, "--port", "0", "--end-with-stdin"]
    variables = {**os.environ, **(environment or {})}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables, start_new_session=idle
    ) as process:
        try:
            if idle:
                _make_idle(process.pid)
            with progress(f"starting a server of {checkpoint}", None):
                address, last = _address(process)
            if not address:
                said = (last[-1] if last else "it said nothing").removeprefix("tanuki_jax.serve: ")
                raise CannotServe(f"{checkpoint} cannot be served: {said}")
            yield address
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _make_idle(process: int) -> None:
    """Give the first process of a session, and what it starts later, only the processor time that nothing else wants.

    Linux may divide the time among sessions first (sched(7), autogroup), so that the session steps back too.
    """
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0))
        with contextlib.suppress(OSError):
            Path(f"/proc/{process}/autogroup").write_text("19")
    else:
        os.setpriority(os.PRIO_PROCESS, process, 19)


def _address(process: "subprocess.Popen[str]") -> tuple[str, collections.deque[str]]:
    """Return the address that a server prints on stderr, empty if it ends before, and its last lines.

    What it prints later is read on, so that it never waits for a reader.
    """
    assert process.stderr is not None
    last: collections.deque[str] = collections.deque(maxlen=_LAST_LINES)
    for line in process.stderr:
        if found := _ADDRESS.search(line):
            threading.Thread(target=collections.deque, args=(process.stderr, 0), daemon=True).start()
            return found[1], last
        if line.strip():
            last.append(line.strip())
    return "", last
