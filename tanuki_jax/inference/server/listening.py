"""The socket of a server, and its life from the first request to the last."""

import asyncio
import contextlib
import logging
import re
import signal
import socket
from collections.abc import Iterator
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tanuki_jax.base.errors import InputError
from tanuki_jax.inference.server.app import create_app
from tanuki_jax.inference.server.errors import STOPPING
from tanuki_jax.inference.server.registry import Registry

BACKLOG = 2048
"""Connections that the system accepts before the server does."""
LARGEST_HEAD = 64 * 1024
"""Bytes of the largest head of a request: its first line and its header fields."""
AFTER_STOPPING = 5
"""Seconds for clients to read the error with which an answer ends that is not done in time."""

_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_log = logging.getLogger(__name__)


@contextlib.contextmanager
def bind(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a socket that listens, so that a busy port is known before a model is loaded.

    Whoever connects before the server reads waits. InputError if the address cannot be used.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"--host {host} --port {port}: {reason.lower()}; choose another, or --port 0") from error
    with bound:
        yield bound


class LimitedHeaders(HttpToolsProtocol):
    """HTTP/1.1 whose heads have a largest size, and that stays HTTP/1.1.

    The library itself reads a head without an end, and loses the body of a request that offers to go on in HTTP/2, as
    those of Java's client and of `curl --http2` do.
    """

    _in_head, _head_bytes = True, 0

    def data_received(self, data: bytes) -> None:
        """Read what came, and close a connection whose head is too large."""
        if self._in_head:
            head, end, body = data.partition(b"\r\n\r\n")
            data = _UPGRADE.sub(b"\r\nx-upgrade:", head) + end + body
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > LARGEST_HEAD:
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Begin the body, which has a limit of its own."""
        super().on_headers_complete()
        self._in_head = False

    def on_message_complete(self) -> None:
        """Begin the next head."""
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0


class _Server(uvicorn.Server):
    """A server that says when it begins to stop, and ends what is not done in time with an error of its own."""

    def __init__(self, config: uvicorn.Config, registry: Registry, finish_seconds: int) -> None:
        super().__init__(config)
        self._registry, self._finish_seconds = registry, finish_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop taking requests; at a second signal end those that were begun."""
        loop, again = asyncio.get_event_loop(), self.should_exit
        if not again:
            left = sum(served.open_jobs for served in self._registry.models.values())
            _log.info(
                "stopping: %d answers are finished first, for at most %d s; a second signal ends them",
                left,
                self._finish_seconds,
            )
            self.should_exit = True
        loop.call_soon_threadsafe(loop.call_later, 0 if again else self._finish_seconds, self._end_all)

    def _end_all(self) -> None:
        for served in self._registry.models.values():
            served.fail_all(STOPPING)


def listen(registry: Registry, bound: socket.socket, *, key: str, most_body_bytes: int, finish_seconds: int) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish those that were begun, and return.

    Args:
        registry: models.
        bound: socket.
        key: what requests must have; empty: none.
        most_body_bytes: size of the largest body.
        finish_seconds: time for requests that were begun, after the signal.
    """
    app = create_app(registry, key=key, most_body_bytes=most_body_bytes)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        http=LimitedHeaders,
        access_log=False,
        ws="none",
        lifespan="on",
        backlog=BACKLOG,
        timeout_graceful_shutdown=finish_seconds + AFTER_STOPPING,
        server_header=False,
    )
    # uvicorn raises the signal again when it has ended: that is the end that was asked for, and no error.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    host, port = bound.getsockname()[:2]
    _log.info("listening on http://%s:%d/v1, which is described at /docs", f"[{host}]" if ":" in host else host, port)
    _Server(config, registry, finish_seconds).run(sockets=[bound])
    _log.info("stopped")
