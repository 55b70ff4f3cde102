"""The command: it refuses what it cannot do before it loads, and finishes what it began."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.transformer import initialise
from tests.checkpoints.weights import write_weights
from tests.inference.untrained import SHAPE

LONG = {"prompt": "狸", "max_tokens": 400, "logit_bias": {"2": -100, "6": -100}, "temperature": 0}


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "tanuki_jax.serve", *options]


def post(port: int, fields: dict[str, Any]) -> tuple[int, Any]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", "/v1/completions", json.dumps(fields), {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


@contextlib.contextmanager
def serving(folder: Path, tokenizer: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Serve an untrained model in a process of its own: yield it and its port."""
    weights = jax.tree.map(np.asarray, initialise(Model(**SHAPE), jax.random.key(0)))
    write_weights(folder / "a", Model(**SHAPE), weights, tokenizer=str(tokenizer), sequence_length=512)
    words = command("--checkpoint", f"mine={folder / 'a'}", "--port", "0", "--rows", "2", *options)
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stderr=pipe, text=True, env=os.environ) as process:
        assert process.stderr is not None
        ports = (re.search(r"127\.0\.0\.1:(\d+)/v1", line) for line in process.stderr)
        try:
            yield process, int(next(port[1] for port in ports if port))
        finally:
            process.kill()


def asked(port: int, *requests: dict[str, Any]) -> tuple[list[threading.Thread], list[tuple[int, Any]]]:
    """Send requests, and return the threads that wait for their answers, and the answers that have come."""
    replies: list[tuple[int, Any]] = []
    threads = [threading.Thread(target=lambda body=body: replies.append(post(port, body))) for body in requests]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    return threads, replies


@pytest.mark.thorough
def test_sigterm_finishes_what_was_begun_and_takes_nothing_new(chat_tokenizer: Path, tmp_path: Path) -> None:
    with serving(tmp_path, chat_tokenizer) as (process, port):
        threads, replies = asked(port, *[LONG] * 5)
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert [status for status, _ in replies] == [200] * 5
        assert len({reply["choices"][0]["text"] for _, reply in replies}) == 1
        assert process.wait(timeout=30) == 0
        with pytest.raises(OSError):
            post(port, LONG)
        assert process.stderr is not None
        rest = process.stderr.read()
    assert rest.count("done: 1 tokens in, 400 out") == 5 and rest.strip().endswith("stopped"), rest
    assert "stopping: 5 answers are finished first, for at most 60 s" in rest


@pytest.mark.thorough
def test_a_server_may_end_with_its_standard_input(chat_tokenizer: Path, tmp_path: Path) -> None:
    with serving(tmp_path, chat_tokenizer, "--end-with-stdin") as (process, port):
        assert post(port, LONG | {"max_tokens": 1})[0] == 200 and process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param(1, id="time is up", marks=pytest.mark.long),
        pytest.param(2, id="a second signal", marks=pytest.mark.thorough),
    ],
)
def test_answers_that_are_not_done_in_time_end_with_an_error(
    chat_tokenizer: Path, tmp_path: Path, signals: int
) -> None:
    with serving(tmp_path, chat_tokenizer, "--finish-seconds", "1" if signals == 1 else "60") as (process, port):
        threads, replies = asked(port, LONG | {"n": 100})
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        threads[0].join(timeout=20)
        assert process.wait(timeout=20) == 0 and process.stderr is not None
        rest = process.stderr.read()
    [(status, reply)] = replies
    assert status == 503 and reply["error"]["code"] == "stopping"
    assert "mine  stopped: 1 tokens in" in rest and "Traceback" not in rest, rest


def test_a_busy_port_is_said_before_a_model_is_loaded(chat_tokenizer: Path, tmp_path: Path) -> None:
    weights = jax.tree.map(np.asarray, initialise(Model(**SHAPE), jax.random.key(0)))
    write_weights(tmp_path / "a", Model(**SHAPE), weights, tokenizer=str(chat_tokenizer))
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        done = subprocess.run(
            command("--checkpoint", str(tmp_path / "a"), "--port", port), capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert (
        done.stderr
        == f"tanuki_jax.serve: --host 127.0.0.1 --port {port}: address already in use; choose another, or --port 0\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "name a model: --checkpoint=runs/NAME"),
        (["--checkpoint", "nowhere", "--layout.tensor", "0"], "--layout.tensor is 0, and must be above 0"),
        (["--checkpoint", "nowhere"], "there is no checkpoint at nowhere: no such folder"),
        (
            ["--checkpoint", "a", "--key-variable", "NO_SUCH"],
            "the environment variable NO_SUCH of --key-variable is not set",
        ),
    ],
)
def test_a_wrong_option_is_one_sentence(words: list[str], sentence: str) -> None:
    done = subprocess.run(command(*words), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"tanuki_jax.serve: {sentence}\n")
