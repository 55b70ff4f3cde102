"""Answers while a client waits: it may leave at any moment, and what it asked for then ends."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Coroutine, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tanuki_jax.inference.server.errors import AnswerFailed, ClientLeft
from tanuki_jax.inference.server.served_model import JobStream


async def while_connected[Result](receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of `work`; if the client leaves before, cancel it and raise ClientLeft."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientLeft
    finally:
        await _cancelled(task, gone)


def event(data: Mapping[str, object]) -> bytes:
    """Return one server-sent event."""
    return b"data: " + json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n\n"


LAST_EVENT = b"data: [DONE]\n\n"


class EventStream(Response):
    """Server-sent events of jobs, which end with the last event, or when the client leaves."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes], jobs: JobStream) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events, self._jobs = events, jobs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the last one, or until the client leaves."""
        with contextlib.closing(self._jobs), contextlib.suppress(ClientLeft):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await while_connected(receive, self._send_events(send))

    async def _send_events(self, send: Send) -> None:
        async with contextlib.aclosing(self._events) as events:
            try:
                async for data in events:
                    await send({"type": "http.response.body", "body": data, "more_body": True})
            except AnswerFailed as error:
                await send({"type": "http.response.body", "body": event(error.answer.body()), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
