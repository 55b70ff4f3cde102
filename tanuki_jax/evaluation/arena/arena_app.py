"""The web application of an arena: pages, and requests whose body is small JSON.

The page asks for the state of its battle a few times a second instead of holding a connection: a browser opens six to
one address, so that the seventh tab would wait. Every process gives the same answer, since it comes from the database.
"""

import asyncio
import contextlib
import json
import logging
import time
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from tanuki_jax.evaluation.arena.answer_html import html_of
from tanuki_jax.evaluation.arena.arena_pages import Pages
from tanuki_jax.evaluation.arena.arena_settings import Contestant
from tanuki_jax.evaluation.arena.battle_service import BattleService
from tanuki_jax.evaluation.arena.battle_store import BattleState, Refused, Visitor, hash_of
from tanuki_jax.evaluation.arena.visitor import COOKIE, keep_person, visitor_of

MOST_BODY_BYTES = 256 * 1024
_STATUS = {"unknown": 404, "voted": 409, "early": 409, "busy": 409, "turns": 409, "hour": 429, "minute": 429}
_LOOK_SECONDS = 30.0
_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
_log = logging.getLogger(__name__)

type Handler = Callable[[Request, dict[str, Any]], Awaitable[dict[str, Any]]]


class _Api:
    """The requests of the page; each handler takes a request and its JSON, and returns JSON."""

    def __init__(self, service: BattleService, salt: bytes, proxies: int) -> None:
        self._service, self._salt, self._proxies = service, salt, proxies

    def visitor(self, request: Request) -> tuple[Visitor, str]:
        """Return who sends a request, and the token of his cookie."""
        return visitor_of(request, self._salt, proxies=self._proxies)

    async def begin(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Begin a battle with a question."""
        question = _text(body, "question")
        visitor, _ = self.visitor(request)
        return {"token": await self._service.begin(visitor, question, language_of(question))}

    async def ask(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Ask a further question."""
        await self._service.ask(self.visitor(request)[0], _text(body, "token"), _text(body, "question"))
        return {}

    async def state(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Return the state of a battle."""
        found = await self._service.state(_text(body, "token"))
        return _shown(found, self._service.contestants(found.models) if found.models else None)

    async def vote(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Cast a vote, and return the models."""
        models = await self._service.vote(_text(body, "token"), _text(body, "winner"))
        return {"models": [_named(each) for each in models]}

    async def forget(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Delete the conversations of the person whose cookie comes with the request."""
        person = request.cookies.get(COOKIE, "")
        if not person:
            return {"battles": 0}
        return {"battles": await asyncio.to_thread(self._service.store.forget, hash_of(person), now=time.time())}


def create_app(service: BattleService, pages: Pages, salt: bytes, *, proxies: int = 0) -> FastAPI:
    """Return the application.

    Args:
        service: battles.
        pages: HTML of the pages.
        salt: secret for the hashes of addresses.
        proxies: number of proxies in front of the server.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            looking = asyncio.create_task(_end_lost(service))
            try:
                yield
            finally:
                looking.cancel()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    api = _Api(service, salt, proxies)
    handlers = {"battles": api.begin, "questions": api.ask, "state": api.state, "votes": api.vote, "forget": api.forget}
    for path, handler in handlers.items():
        app.add_api_route(f"/api/{path}", _answering(handler), methods=["POST"])

    @app.get("/{page:path}")
    async def page(request: Request, page: str) -> Response:
        found = await asyncio.to_thread(pages.find, page)
        if found is None:
            return HTMLResponse("not found", 404)
        response = Response(found.content, media_type=found.kind)
        if not page:
            keep_person(response, api.visitor(request)[1], secure=request.url.scheme == "https")
        return response

    @app.middleware("http")
    async def add_headers(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await go_on(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return app


def _answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return a route of a handler, whose refusals are answers with a code and words."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await handler(request, await _body(request)))
        except Refused as error:
            found = {"error": error.reason, "words": str(error)}
            return JSONResponse(found, _STATUS.get(error.reason, 400))

    return answer


def language_of(text: str) -> str:
    """Return "ja" for a text with kana, "zh" for one with ideographs alone, "en" for Latin letters, else "other"."""
    plain = unicodedata.normalize("NFKC", text)
    if any("\u3041" <= sign <= "\u30ff" for sign in plain):
        return "ja"
    if any("\u4e00" <= sign <= "\u9fff" for sign in plain):
        return "zh"
    return "en" if any(sign.isascii() and sign.isalpha() for sign in plain) else "other"


async def _end_lost(service: BattleService) -> None:
    while True:
        try:
            await service.end_lost()
        except Exception as error:  # a database that is away for a moment
            _log.warning("answers that were lost could not be looked for: %s", error)
        await asyncio.sleep(_LOOK_SECONDS)


async def _body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request. Refused if it is none, or is too large.

    A page of another site cannot send this kind of content without asking first.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused("body", "the body must be JSON")
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > MOST_BODY_BYTES:
            raise Refused("body", f"the body has more than {MOST_BODY_BYTES:,} bytes")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused("body", "the body must be a JSON object")
    return found


def _text(body: dict[str, Any], name: str) -> str:
    """Return a text of a body, without halves of surrogate pairs and NUL, which no database stores."""
    found = body.get(name)
    if not isinstance(found, str):
        raise Refused("body", f"{name} must be text")
    return found.encode("utf-8", "replace").decode().replace("\0", "")


def _shown(state: BattleState, models: tuple[Contestant, Contestant] | None) -> dict[str, Any]:
    turns = [
        {"question": turn.question, "answers": [html_of(text) for text in turn.texts], "ended": turn.ended}
        | {"failed": turn.failed}
        for turn in state.turns
    ]
    named = [_named(each) for each in models] if models else None
    return {"turns": turns, "may_vote": state.may_vote, "winner": state.winner, "models": named}


def _named(model: Contestant) -> dict[str, str]:
    return {"name": model.name, "organisation": model.organisation, "licence": model.licence}
