"""An arena of scripted models, with its database in a folder."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from aiohttp import web

from tanuki_jax.config.endpoints import Requests
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.arena.arena_settings import Arena, Contestant, Pace
from tanuki_jax.evaluation.arena.battle_service import BattleService
from tanuki_jax.evaluation.arena.battle_store import BattleState, BattleStore, Visitor, hash_of
from tanuki_jax.evaluation.arena.battle_tables import open_database
from tests.client.canned import serving
from tests.corpus.cleaning.endpoints import in_a_thread

HIM = Visitor("address", hash_of("person"))
FAST = Pace(characters_a_second=0.0, first_after=0.0)

type Reply = Callable[[list[dict[str, str]]], str | None]
"""Conversation -> answer; None: the model fails."""


@contextlib.contextmanager
def speaking(reply: Reply) -> Iterator[str]:
    """Yield the address of a model that streams what `reply` returns."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":  # it has no list of models
            return web.Response(status=404)
        text = reply((await request.json())["messages"])
        if text is None:
            return web.json_response({"error": {"message": "out of order"}}, status=500)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for start in range(0, len(text), 5):
            await response.write(_event({"delta": {"content": text[start : start + 5]}, "finish_reason": None}))
        await response.write(_event({"delta": {}, "finish_reason": "stop"}) + b"data: [DONE]\n\n")
        return response

    with in_a_thread(serving(handle)) as url:
        yield url


def _event(choice: dict[str, Any]) -> bytes:
    chunk = {"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, **choice}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


def arena_of(urls: dict[str, str], **values: Any) -> Arena:
    """Return an arena of models by their names and addresses, without waits."""
    models = tuple(Contestant(name=name, remote=RemoteModel(urls=(url,), model="m")) for name, url in urls.items())
    requests = Requests(failure_share=1.0, tries=1, attempt_seconds=20, deadline_seconds=20)
    return Arena(**{"name": "class", "models": models, "pace": FAST, "requests": requests, **values})


@contextlib.asynccontextmanager
async def running(arena: Arena, folder: Path) -> AsyncIterator[BattleService]:
    """Yield a running service."""
    service = BattleService(arena, BattleStore(open_database(f"sqlite:///{folder}/arena.sqlite")), seed=0)
    async with service.running():
        yield service


async def ended(service: BattleService, token: str) -> BattleState:
    """Return the state of a battle once its last answers have ended."""
    async with asyncio.timeout(30):
        while not (state := await service.state(token)).turns[-1].ended:
            await asyncio.sleep(0.02)
    return state
