"""A server with answers that no mock teacher gives."""

import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web

from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Endpoint, Requests

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Serve every path with a handler at a free port. Yield the base address."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def unused_port() -> int:
    """Return a port at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def canned(*responses: web.Response | Callable[[], web.Response]) -> Handler:
    """Return a handler that gives these responses in turn, and the last one again and again."""
    left = list(responses)

    async def handle(request: web.Request) -> web.StreamResponse:
        response = left.pop(0) if len(left) > 1 else left[0]
        return response() if callable(response) else response

    return handle


def impatient(
    url: str, *, seed: int = 0, log_every: float = 30.0, largest_answer: int = 1 << 20, **fields: float
) -> Client:
    """Return a client of one endpoint whose waits are short, with these fields of `Requests`."""
    settings: dict[str, Any] = {"attempt_seconds": 2.0, "deadline_seconds": 10.0, "tries": 3, **fields}
    requests = Requests(**settings)
    return Client(
        [Endpoint(url=url, model="m")],
        requests,
        seed=seed,
        first_wait=0.01,
        longest_wait=0.05,
        largest_answer=largest_answer,
        log_every=log_every,
    )
