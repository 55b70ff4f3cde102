"""A mock endpoint with OpenAI's protocol, on aiohttp.web."""

import asyncio
import dataclasses
import email.utils
import json
import math
import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.open_files import allow_connections
from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.client.rehearsal.faults import Faults
from tanuki_jax.client.rehearsal.mock_answers import BadRequest, embeddings, write_answer
from tanuki_jax.client.rehearsal.request_log import RequestLog

LARGEST_BODY = 64 << 20
"""Bytes of the longest request."""
BACKLOG = 4096
"""Connections that may wait to be accepted, as when a client opens a thousand at once."""


@dataclasses.dataclass(frozen=True)
class _Prepared:
    """An answer before its fault: a body, or the events of a stream."""

    body: bytes = b""
    events: list[bytes] = dataclasses.field(default_factory=list)


class MockTeacher:
    """A running mock endpoint, for use in `async with`."""

    def __init__(
        self, behaviour: Behaviour, *, host: str = "127.0.0.1", port: int = 0, log: Path | None = None
    ) -> None:
        """Set up the endpoint; it starts with the `async with`.

        Args:
            behaviour: its models, speed and faults.
            host: address to listen on.
            port: port; 0: any that is free.
            log: file to which a line is added for each request; None: none.

        Raises:
            InputError: the variable of the key is not set.
        """
        self._behaviour, self._host, self.port = behaviour, host, port
        self._key = os.environ.get(behaviour.key_variable, "") if behaviour.key_variable else ""
        if behaviour.key_variable and not self._key:
            raise InputError(f"{behaviour.key_variable}, the variable of the key, is not set")
        self._faults, self._log = Faults(behaviour), RequestLog(log)
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_get("/health", self._health)
        application.router.add_get("/v1/models", self._models)
        application.router.add_post("/v1/chat/completions", self._chat)
        application.router.add_post("/v1/completions", self._completion)
        application.router.add_post("/v1/embeddings", self._embeddings)
        # A handler is cancelled when its client leaves, or stalled requests would stay for ever.
        self._runner = web.AppRunner(
            application, handler_cancellation=True, access_log=None, handle_signals=False, shutdown_timeout=0.1
        )
        self._down: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Return the base address."""
        return f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{self.port}/v1"

    async def __aenter__(self) -> Self:
        allow_connections(BACKLOG)
        await self._runner.setup()
        site = await self._listen()
        assert self._runner.addresses
        self.port = self._runner.addresses[0][1]
        self._start = asyncio.get_running_loop().time()
        if self._behaviour.down_between[1] > 0:
            self._down = asyncio.create_task(self._be_down(site))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._down is not None:
            self._down.cancel()
            await asyncio.gather(self._down, return_exceptions=True)
        self._drop_connections()
        await self._runner.cleanup()
        self._log.close()

    async def _listen(self) -> web.TCPSite:
        site = web.TCPSite(self._runner, self._host, self.port, backlog=BACKLOG, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"{self._host}:{self.port} cannot be listened on: {reason}; choose another port") from None
        return site

    async def _be_down(self, site: web.TCPSite) -> None:
        """Close the port, and all connections, for the period."""
        start, end = self._behaviour.down_between
        await asyncio.sleep(start)
        await site.stop()
        self._drop_connections()
        await asyncio.sleep(end - start)
        await self._listen()

    def _drop_connections(self) -> None:
        server = self._runner.server
        for connection in server.connections if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _models(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request, None):
            return refusal
        rows = [{"id": name, "object": "model", "owned_by": "rehearsal"} for name in self._behaviour.models]
        return web.json_response({"object": "list", "data": rows})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, lambda body: _completed(body, chat=True))

    async def _completion(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, lambda body: _completed(body, chat=False))

    async def _embeddings(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, lambda body: _Prepared(json.dumps(embeddings(body)).encode()))

    async def _answer(self, request: web.Request, prepare: Callable[[dict[str, Any]], _Prepared]) -> web.StreamResponse:
        """Return the answer to a request, or its fault."""
        data = await request.read()
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            body = None
        seconds = asyncio.get_running_loop().time() - self._start
        refusal, fault, bit = self._refusal(request, body), "", False
        prepared = _Prepared()
        if refusal is None:
            try:
                prepared = prepare(body)
                fault, bit = self._faults.choose(data, seconds)
            except BadRequest as error:
                refusal = _error(400, str(error))
            except RecursionError:
                refusal = _error(400, "the body is nested too deeply")
        answer = "refused" if refusal is not None else fault or "answered"
        self._log.note(seconds=seconds, path=request.path, body=body, data=data, answer=answer)
        if self._behaviour.latency and fault not in ("stalled", "reset") and refusal is None:
            await asyncio.sleep(self._behaviour.latency)
        if refusal is not None:
            return refusal
        return await self._send(request, prepared, fault, bit)

    async def _send(self, request: web.Request, prepared: _Prepared, fault: str, bit: bool) -> web.StreamResponse:
        match fault:
            case "unavailable":
                return _error(503, "the rehearsal teacher is overloaded, on purpose")
            case "rate_limited":
                return _error(429, "too many requests, on purpose", {"Retry-After": self._retry_after(bit)})
            case "stalled":
                await asyncio.Event().wait()
            case "reset":
                _reset(request)
                return web.Response()
            case "broken_json" if not prepared.events:
                return web.json_response(body=prepared.body[: len(prepared.body) // 2])
            case "cut" if not prepared.events:
                return await self._send_half(request, prepared.body)
        if prepared.events:
            return await self._stream(request, prepared.events, fault, bit)
        return web.json_response(body=prepared.body)

    async def _send_half(self, request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        _close(request)
        return response

    async def _stream(self, request: web.Request, events: list[bytes], fault: str, bit: bool) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        half = len(events) // 2
        if fault == "broken_json":
            events = [*events[:half], events[half][: len(events[half]) // 2] + b"\n\n"]
        elif fault == "cut":
            events = events[:half]
        if not self._behaviour.tokens_per_second:
            events = [b"".join(events)]
        for event in events:
            await response.write(event)
            if self._behaviour.tokens_per_second:
                await asyncio.sleep(1 / self._behaviour.tokens_per_second)
        if fault == "cut" and bit:
            _close(request)
        else:
            await response.write_eof()
        return response

    def _refusal(self, request: web.Request, body: Any) -> web.Response | None:
        """Return the answer to a request that has no key, no JSON, or an unknown model; None: it has all of them."""
        if self._key and request.headers.get("Authorization") != f"Bearer {self._key}":
            return _error(401, "the API key is missing or wrong")
        if request.method == "GET":
            return None
        if not isinstance(body, dict):
            return _error(400, "the body is no JSON object")
        if body.get("model") not in self._behaviour.models:
            return _error(404, f"there is no model {body.get('model')!r:.80}; GET /v1/models lists them")
        return None

    def _retry_after(self, as_date: bool) -> str:
        seconds = math.ceil(self._behaviour.retry_after)
        return email.utils.formatdate(time.time() + seconds, usegmt=True) if as_date else str(seconds)


def _completed(body: dict[str, Any], *, chat: bool) -> _Prepared:
    written = write_answer(body, chat=chat)
    if not body.get("stream"):
        return _Prepared(json.dumps(written.body(), ensure_ascii=False).encode(errors="replace"))
    options = body.get("stream_options")
    events = written.events(include_usage=isinstance(options, dict) and options.get("include_usage") is True)
    texts = [*(json.dumps(event, ensure_ascii=False) for event in events), "[DONE]"]
    return _Prepared(events=[f"data: {text}\n\n".encode(errors="replace") for text in texts])


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    error = {"message": message, "type": "rehearsal", "param": None, "code": None}
    return web.json_response({"error": error}, status=status, headers=headers)


def _close(request: web.Request) -> None:
    """Close the connection after what was written."""
    if request.transport is not None:
        request.transport.close()


def _reset(request: web.Request) -> None:
    """Reset the connection: the client sees an error, not an end."""
    if request.transport is not None:
        opened: socket.socket = request.transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
