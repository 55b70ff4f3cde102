"""Clients that leave: what they asked for ends, wherever it is."""

import contextlib
import json
import random
import re
import socket
import threading
import time
from typing import Any

import pytest

from tests.inference.server.conftest import Server


def send(server: Server, fields: dict[str, Any]) -> socket.socket:
    """Send a request and return the open connection."""
    body = json.dumps(fields).encode()
    connection = socket.create_connection(("127.0.0.1", server.port))
    head = [
        "POST /v1/completions HTTP/1.1",
        "Host: a",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
    return connection


def left(server: Server) -> float:
    """Return how many requests were left by their clients."""
    label = r'endpoint="completions",model="untrained",outcome="left"'
    found = re.search(rf"tanuki_requests_total{{{label}}} (\S+)", server.get("/metrics").body.decode())
    return float(found[1]) if found else 0


LONG = {"prompt": "狸", "max_tokens": 120, "logit_bias": {"2": -100, "6": -100}, "n": 4}
"""Answers that do not end by themselves, and take all rows."""


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_frees_its_rows_within_a_second(server: Server, stream: bool) -> None:
    engine, before = server.served.engine, left(server)
    connections = [send(server, LONG | {"stream": stream}) for _ in range(2)]
    while not (engine.active == 4 and engine.waiting):
        time.sleep(0.001)
    for connection in reversed(connections):
        connection.close()
    assert server.wait_until_idle() < 1
    assert left(server) == before + 2
    assert b'tanuki_open_requests{model="untrained"} 0.0' in server.get("/metrics").body


def test_clients_that_leave_at_any_moment_leave_no_trace(server: Server) -> None:
    expected = server.post("/v1/completions", prompt="狸", max_tokens=20, temperature=0).json["choices"]
    moments = random.Random(0)

    def visit() -> None:
        for _ in range(15):
            with contextlib.closing(send(server, LONG | {"stream": moments.random() < 0.5, "n": 2})):
                time.sleep(moments.random() * 0.05)

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.wait_until_idle()
    assert server.post("/v1/completions", prompt="狸", max_tokens=20, temperature=0).json["choices"] == expected
    metrics = server.get("/metrics").body.decode()
    for name in ("open_requests", "active_jobs", "waiting_jobs", "pages_in_use"):
        assert f'tanuki_{name}{{model="untrained"}} 0.0' in metrics


def test_each_event_is_whole_utf8(server: Server) -> None:
    reply = server.post("/v1/completions", prompt="🦝", max_tokens=60, stream=True, seed=2)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert len(reply.events) > 1
