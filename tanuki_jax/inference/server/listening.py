"""The socket of a server, and its life from the first request to the last."""

import contextlib
import logging
import signal
import socket
from collections.abc import Iterator

import uvicorn

from tanuki_jax.base.errors import InputError
from tanuki_jax.inference.server.app import create_app
from tanuki_jax.inference.server.registry import Registry

BACKLOG = 2048
"""Connections that the system accepts before the server does."""

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def bind(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a bound socket, so that a busy port is known before a model is loaded. InputError if it cannot be bound."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"--host {host} --port {port}: {reason.lower()}; choose another, or --port 0") from error
    with bound:
        yield bound


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
        access_log=False,
        lifespan="on",
        backlog=BACKLOG,
        timeout_graceful_shutdown=finish_seconds,
        server_header=False,
    )
    # uvicorn raises the signal again when it has ended: that is the end that was asked for, and no error.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    bound.listen(BACKLOG)  # whoever connects from now on waits until the server reads
    host, port = bound.getsockname()[:2]
    _log.info("listening on http://%s:%d/v1, which is described at /docs", f"[{host}]" if ":" in host else host, port)
    uvicorn.Server(config).run(sockets=[bound])
    _log.info("stopped")
