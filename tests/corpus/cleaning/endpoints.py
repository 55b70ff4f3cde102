"""Endpoints in a thread of their own, for code that waits for answers."""

import asyncio
import contextlib
import json
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import web

from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.client.rehearsal.mock_teacher import MockTeacher
from tests.client.canned import serving

type Reply = Callable[[str], tuple[str, dict[str, float] | None] | web.Response]
"""Prompt -> text of the answer and probabilities of the first token; or another response."""


@contextlib.contextmanager
def in_a_thread(server: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """Run a server while the block does, and yield its address."""
    ready, address = threading.Event(), list[str]()
    loop = asyncio.new_event_loop()
    end = asyncio.Event()

    async def run() -> None:
        async with server as url:
            address.append(url)
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()


@contextlib.asynccontextmanager
async def mock_teacher(behaviour: Behaviour) -> AsyncIterator[str]:
    """Serve the mock teacher."""
    async with MockTeacher(behaviour) as teacher:
        yield teacher.url


def replying(reply: Reply) -> AbstractAsyncContextManager[str]:
    """Serve chat completions whose text and log-probabilities a function gives."""

    async def handle(request: web.Request) -> web.Response:
        if request.method == "GET":  # it has no list of models
            return web.Response(status=404)
        body: dict[str, Any] = json.loads(await request.read())
        found = reply(body["messages"][0]["content"])
        if isinstance(found, web.Response):
            return found
        text, chances = found
        top = [{"token": token, "logprob": math.log(chance)} for token, chance in (chances or {}).items()]
        content = [{**top[0], "top_logprobs": top}] if top else []
        logprobs = {"content": content} if body.get("logprobs") else None
        message = {"role": "assistant", "content": text}
        return web.json_response({"choices": [{"index": 0, "message": message, "logprobs": logprobs}]})

    return serving(handle)
