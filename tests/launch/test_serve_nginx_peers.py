"""Two servers behind nginx: one is killed under load, and clients of the package's client see no error."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest

from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Endpoint
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.transformer import initialise
from tests.checkpoints.weights import write_weights
from tests.inference.untrained import SHAPE, make_tokenizer
from tests.launch.conftest import LAUNCH

pytestmark = pytest.mark.peers


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), contextlib.closing(socket.create_connection(("127.0.0.1", port), 1)):
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")


def has_answered(port: int) -> bool:
    """Whether a server has answered a request for tokens."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        return b'tanuki_requests_total{endpoint="completions"' in reply.read()


@contextlib.contextmanager
def program(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(words, env=os.environ, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_server_that_is_killed_costs_no_answer(tmp_path: Path) -> None:
    assert shutil.which("nginx"), "install nginx"
    weights = jax.tree.map(np.asarray, initialise(Model(**SHAPE), jax.random.key(0)))
    write_weights(tmp_path / "a", Model(**SHAPE), weights, tokenizer=str(make_tokenizer(tmp_path / "tokenizer")))
    ports = [free_port() for _ in range(3)]
    config = (LAUNCH / "serve.nginx.conf").read_text()
    for written, port in zip(("127.0.0.1:8001", "127.0.0.1:8002", "127.0.0.1:8000"), ports, strict=True):
        assert config.count(written) >= 1
        config = re.sub(re.escape(written) + r"(?=[ ;])", f"127.0.0.1:{port}", config)
    (tmp_path / "serve.conf").write_text(config)
    words = (sys.executable, "-m", "tanuki_jax.serve", "--checkpoint", str(tmp_path / "a"), "--rows", "4", "--port")

    async def ask(servers: dict[int, subprocess.Popen[bytes]]) -> list[str]:
        async with Client([Endpoint(url=f"http://127.0.0.1:{ports[2]}", concurrency=16)]) as client:
            fields = {"max_tokens": 40, "temperature": 0}
            work = [asyncio.ensure_future(client.complete("狸", user=str(n), **fields)) for n in range(400)]
            await asyncio.sleep(1)
            busy = next(port for port in servers if has_answered(port))
            servers[busy].kill()
            return [getattr(each, "text", repr(each)) for each in await asyncio.gather(*work)]

    with program(*words, str(ports[0])) as one, program(*words, str(ports[1])) as other:
        wait_for(ports[0])
        wait_for(ports[1])
        for port in ports[:2]:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=120).close()  # waits for the model
        with program("nginx", "-p", str(tmp_path), "-c", str(tmp_path / "serve.conf"), "-g", "daemon off;"):
            wait_for(ports[2])
            answers = asyncio.run(ask({ports[0]: one, ports[1]: other}))
    assert -signal.SIGKILL in (one.returncode, other.returncode)
    assert len(answers) == 400 and len({*answers}) == 1, {*answers}
