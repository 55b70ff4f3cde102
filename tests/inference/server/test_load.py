"""A server under load, as a process of its own: speed beside `generate`, mixed-up answers, clients that vanish."""

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import jax
import numpy as np
import pytest

from tanuki_jax.config.registry import experiment
from tanuki_jax.lm.model.transformer import initialise
from tests.checkpoints.weights import write_weights

pytestmark = pytest.mark.long
NEW = 64
"""New tokens of an answer."""
NO_END: dict[str, Any] = {"max_tokens": NEW, "temperature": 0}


def as_for_users() -> dict[str, str]:
    """Return the environment without what the tests set for XLA."""
    return {name: value for name, value in os.environ.items() if name not in ("XLA_FLAGS", "NPROC")}


class Process(NamedTuple):
    """A server."""

    url: str
    pid: int
    checkpoint: Path

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def process(chat_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Serve `tiny` with random weights. XLA compiles as for users, not as for tests."""
    checkpoint = tmp_path_factory.mktemp("load") / "tiny"
    model = experiment.find("tiny").model
    weights = jax.tree.map(np.asarray, initialise(model, jax.random.key(0)))
    write_weights(checkpoint, model, weights, tokenizer=str(chat_tokenizer), sequence_length=256)
    words = [sys.executable, "-m", "tanuki_jax.serve", "--checkpoint", str(checkpoint), "--port", "0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=as_for_users()) as server:
        assert server.stderr is not None
        ports = (re.search(r"127\.0\.0\.1:(\d+)/v1", line) for line in server.stderr)
        port = next(found[1] for found in ports if found)
        drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)
        yield Process(f"http://127.0.0.1:{port}", server.pid, checkpoint)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=60) == 0
        drain.wait()


async def ask(session: aiohttp.ClientSession, url: str, prompt: str) -> tuple[str, int]:
    """Return text and number of tokens of a streamed answer."""
    text, tokens = "", 0
    body = NO_END | {"prompt": prompt, "stream": True, "stream_options": {"include_usage": True}}
    async with session.post(f"{url}/v1/completions", json=body) as reply:
        assert reply.status == 200, await reply.text()
        async for line in reply.content:
            if line.startswith(b"data: {"):
                part = json.loads(line[6:])
                text += "".join(choice["text"] for choice in part["choices"])
                tokens = part.get("usage", {}).get("completion_tokens", tokens)
    return text, tokens


async def load(process: Process, clients: int, seconds: float, expected: dict[str, str]) -> int:
    """Let clients ask one question after the other, compare the answers, and return the number of their tokens."""
    end, tokens, questions = time.monotonic() + seconds, 0, [*expected]

    async def client(number: int) -> None:
        nonlocal tokens
        choice = random.Random(number)
        while time.monotonic() < end:
            prompt = choice.choice(questions)
            text, new = await ask(session, process.url, prompt)
            assert text == expected[prompt], "an answer is not the one that the prompt gets alone"
            tokens += new

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*map(client, range(clients)))
    return tokens


async def alone(process: Process, count: int) -> dict[str, str]:
    """Return prompts with their answers, asked one by one."""
    async with aiohttp.ClientSession() as session:
        prompts = [f"def raccoon_{number}(dog):\n    return " for number in range(count)]
        return {prompt: (await ask(session, process.url, prompt))[0] for prompt in prompts}


def generate_speed(process: Process, rows: int) -> float:
    """Return tokens a CPU-second of `generate`'s loop, in a process whose XLA compiles as the server's."""
    words = [
        sys.executable,
        "-m",
        "tests.inference.server.generate_speed",
        str(process.checkpoint),
        str(rows),
        str(NEW),
    ]
    return float(subprocess.run(words, env=as_for_users(), capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize(("clients", "share"), [(1, 0.6), (16, 0.7)])
def test_a_server_is_nearly_as_fast_as_generate(process: Process, clients: int, share: float) -> None:
    expected = asyncio.run(alone(process, 40))
    found = []
    for _ in range(3):
        begin = process.cpu_seconds()
        tokens = asyncio.run(load(process, clients, 6, expected))
        found.append(tokens / (process.cpu_seconds() - begin))
    peer = generate_speed(process, clients)
    print(f"{clients} clients: {max(found):,.0f} tokens a CPU-second; generate: {peer:,.0f}; {max(found) / peer:.0%}")
    assert max(found) >= share * peer


def test_64_clients_for_two_minutes_get_their_own_answers(process: Process) -> None:
    tokens = asyncio.run(load(process, 64, 120, asyncio.run(alone(process, 200))))
    print(f"64 clients: {tokens:,} tokens in two minutes")
    assert tokens > 50_000


def test_a_thousand_clients_that_vanish_leave_nothing(process: Process) -> None:
    expected = asyncio.run(alone(process, 5))

    async def vanish() -> str:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            limit = asyncio.Semaphore(100)

            async def visit(number: int) -> None:
                async with limit:
                    with_body = NO_END | {"prompt": f"{number}", "stream": number % 2 == 0, "n": number % 3 + 1}
                    task = asyncio.ensure_future(session.post(f"{process.url}/v1/completions", json=with_body))
                    await asyncio.sleep(random.Random(number).random() * 0.3)
                    if task.done() and not task.exception():
                        task.result().close()
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)

            await asyncio.gather(*map(visit, range(1000)))
            await asyncio.sleep(1)
            async with session.get(f"{process.url}/metrics") as reply:
                return await reply.text()

    metrics = asyncio.run(vanish())
    for name in ("open_requests", "active_jobs", "waiting_jobs", "pages_in_use"):
        assert f'tanuki_{name}{{model="tiny"}} 0.0' in metrics, name
    assert asyncio.run(alone(process, 5)) == expected
