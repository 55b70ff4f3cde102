"""A server of an untrained model in this process, on a free port of the loopback device."""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import uvicorn

from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.server.app import create_app
from tanuki_jax.inference.server.listening import LimitedHeaders, bind
from tanuki_jax.inference.server.registry import Registry
from tanuki_jax.inference.server.served_model import ServedModel
from tests.inference.engine.conftest import make_engine


class Reply(NamedTuple):
    """Answer of a server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """Return the JSON of the server-sent events before [DONE]."""
        parts = self.body.split(b"\n\n")
        assert parts[-2:] == [b"data: [DONE]", b""], parts[-2:]
        return [json.loads(part.removeprefix(b"data: ").decode()) for part in parts[:-2]]


class Server(NamedTuple):
    """A server that listens."""

    port: int
    registry: Registry
    key: str = ""

    @property
    def served(self) -> ServedModel:
        """Return its first model."""
        return next(iter(self.registry.models.values()))

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Return the answer to one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def post(self, path: str, **fields: Any) -> Reply:
        """Return the answer to a JSON object."""
        return self.request("POST", path, json.dumps(fields).encode())

    def get(self, path: str) -> Reply:
        """Return the answer to a GET."""
        return self.request("GET", path)

    def wait_until_idle(self, seconds: float = 5) -> float:
        """Wait until no job is left, and return how long it took."""
        begin = time.monotonic()
        while self.served.engine.active or self.served.engine.waiting or self.served.engine.pages[0]:
            assert time.monotonic() - begin < seconds, "jobs are left"
            time.sleep(0.01)
        return time.monotonic() - begin


@contextlib.contextmanager
def serving(registry: Registry, *, key: str = "", most_body_bytes: int = 1_000_000) -> Iterator[Server]:
    """Serve models until the end of the block."""
    app = create_app(registry, key=key, most_body_bytes=most_body_bytes)
    with bind("127.0.0.1", 0) as socket:
        config = uvicorn.Config(app, log_config=None, http=LimitedHeaders, ws="none", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield Server(socket.getsockname()[1], registry, key)
        finally:
            server.should_exit = True
            thread.join()


def make_served(loaded: LoadedModel, name: str = "untrained", *, most_waiting: int = 64) -> ServedModel:
    """Return a model under a name, with an engine of its own, of four rows."""
    return ServedModel(name, loaded, make_engine(loaded), most_waiting=most_waiting, fingerprint=f"weights of {name}")


@pytest.fixture(scope="session")
def server(loaded: LoadedModel) -> Iterator[Server]:
    with serving(Registry([make_served(loaded)], most_tokens=0)) as listening:
        yield listening
