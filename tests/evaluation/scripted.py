"""A server of one model whose answers a function gives, in a thread of its own."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiohttp import web

from tests.client.canned import serving
from tests.corpus.cleaning.endpoints import in_a_thread

type Script = Callable[[dict[str, Any]], Any]
"""Body of a request -> text of the answer, the whole answer as JSON, or a response."""


def refused() -> web.Response:
    """Return a refusal, as of a prompt that is too long."""
    return web.json_response({"error": {"message": "the prompt is too long"}}, status=400)


@contextlib.contextmanager
def scripted(script: Script, *, name: str = "m", fingerprint: str = "f", log: list[Any] | None = None) -> Iterator[str]:
    """Serve a model during the block, and yield the address.

    Args:
        script: gives the answers.
        name: name of the model.
        fingerprint: its fingerprint; empty: the server states none.
        log: list to which the bodies of requests are added.
    """

    async def handle(request: web.Request) -> web.Response:
        if request.method == "GET":
            card = {"id": name} | ({"fingerprint": fingerprint} if fingerprint else {})
            return web.json_response({"data": [card]})
        body: dict[str, Any] = json.loads(await request.read())
        if log is not None:
            log.append(body)
        found = script(body)
        if isinstance(found, web.Response):
            return found
        return web.json_response(found if isinstance(found, Mapping) else answer(body, str(found)))

    with in_a_thread(serving(handle)) as url:
        yield url


def answer(body: Mapping[str, Any], text: str, reason: str = "stop") -> dict[str, Any]:
    """Return the JSON of an answer to a request."""
    if "messages" in body:
        return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}]}
    return {"choices": [{"index": 0, "text": text, "finish_reason": reason}]}


def asked(body: Mapping[str, Any]) -> str:
    """Return the last message or the prompt of a request."""
    return str(body["messages"][-1]["content"] if "messages" in body else body["prompt"])
