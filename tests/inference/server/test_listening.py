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


def test_sigterm_finishes_what_was_begun_and_takes_nothing_new(chat_tokenizer: Path, tmp_path: Path) -> None:
    weights = jax.tree.map(np.asarray, initialise(Model(**SHAPE), jax.random.key(0)))
    write_weights(tmp_path / "a", Model(**SHAPE), weights, tokenizer=str(chat_tokenizer), sequence_length=512)
    words = command("--checkpoint", f"mine={tmp_path / 'a'}", "--port", "0", "--rows", "2")
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=os.environ)
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "listening" in line:
            break
    [port] = map(int, re.findall(r"127\.0\.0\.1:(\d+)", lines[-1]))
    assert any(line.startswith("mine: ") and "chats" in line for line in lines), lines
    replies: list[tuple[int, Any]] = []
    requests = [threading.Thread(target=lambda: replies.append(post(port, LONG))) for _ in range(5)]
    for request in requests:
        request.start()
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    for request in requests:
        request.join()
    assert [status for status, _ in replies] == [200] * 5
    assert len({reply["choices"][0]["text"] for _, reply in replies}) == 1
    assert process.wait(timeout=30) == 0
    with pytest.raises(OSError):
        post(port, LONG)
    rest = process.stderr.read()
    assert rest.count("done: 1 + 400 tokens") == 5 and rest.strip().endswith("stopped"), rest


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
