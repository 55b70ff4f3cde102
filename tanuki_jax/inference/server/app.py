"""The application: all endpoints, and what stands before them: the key, the limits and the log."""

import asyncio
import contextlib
import hmac
import time
from collections.abc import AsyncIterator
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tanuki_jax.inference.server.chat import chat_router
from tanuki_jax.inference.server.completions import completions_router
from tanuki_jax.inference.server.embeddings import embeddings_router
from tanuki_jax.inference.server.errors import ERRORS, ApiError, install_handlers
from tanuki_jax.inference.server.metrics import Metrics
from tanuki_jax.inference.server.registry import Registry
from tanuki_jax.inference.server.tokens import tokens_router

OPEN_PATHS = ("/health", "/ready", "/docs", "/openapi.json", "/static-offline-docs/")
"""Beginnings of the paths that need no key."""


class ModelCard(BaseModel):
    """A served model."""

    id: str
    object: str = "model"
    created: int
    owned_by: str = "tanuki_jax"
    max_model_len: int


class ModelList(BaseModel):
    """All served models, the default one first."""

    object: str = "list"
    data: list[ModelCard]


def create_app(registry: Registry, *, key: str, most_body_bytes: int) -> FastAPI:
    """Return the application.

    Args:
        registry: models, whose engines start and stop with the application.
        key: what clients send as bearer token; empty: no key is needed.
        most_body_bytes: size of the largest body of a request.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for served in registry.models.values():
            served.start(asyncio.get_running_loop())
        yield
        for served in registry.models.values():
            served.stop()

    app: FastAPI = FastAPIOffline(  # its page /docs needs no other host
        redoc_url=None,
        title="tanuki_jax",
        summary="Models over HTTP, with the protocol of OpenAI.",
        version=version("tanuki-jax"),
        lifespan=lifespan,
    )
    install_handlers(app)
    for router in (chat_router, completions_router, embeddings_router, tokens_router, _status_router):
        app.include_router(router(registry))
    app.add_middleware(_Gate, key=key, most_body_bytes=most_body_bytes, metrics=registry.metrics)
    return app


def _status_router(registry: Registry) -> APIRouter:
    """Return the endpoints that say what is served and how it is."""
    router, started = APIRouter(tags=["server"]), int(time.time())

    @router.get("/v1/models", responses={401: ERRORS[401]})
    async def list_models() -> ModelList:
        """List the models."""
        cards = [
            ModelCard(id=name, created=started, max_model_len=served.engine.longest)
            for name, served in registry.models.items()
        ]
        return ModelList(data=cards)

    @router.get("/v1/models/{name:path}", responses=ERRORS)
    async def describe_model(name: str) -> ModelCard:
        """Return one model."""
        served = registry.find(name)
        return ModelCard(id=served.name, created=started, max_model_len=served.engine.longest)

    @router.get("/health", response_class=PlainTextResponse, responses={503: ERRORS[503]})
    async def check_health() -> Response:
        """Say whether every model can answer."""
        for name in registry.models:
            registry.find(name)
        return PlainTextResponse("ok")

    @router.get("/ready", response_class=PlainTextResponse, responses={503: ERRORS[503]})
    async def check_readiness() -> Response:
        """Say whether a new request would be taken."""
        for name in registry.models:
            if not registry.find(name).has_room(1):
                raise ApiError(503, f"the queue of {name} is full")
        return PlainTextResponse("ok")

    @router.get("/metrics", response_class=PlainTextResponse, responses={401: ERRORS[401]})
    async def report_metrics() -> Response:
        """Return counts and times for Prometheus."""
        return PlainTextResponse(registry.metrics.text())

    return router


class _Gate:
    """Refuses requests without the key and bodies that are too large, and counts what is refused."""

    def __init__(self, app: ASGIApp, *, key: str, most_body_bytes: int, metrics: Metrics) -> None:
        self._app, self._key, self._most, self._metrics = app, key.encode(), most_body_bytes, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if self._key and not scope["path"].startswith(OPEN_PATHS):
            given = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
            if not hmac.compare_digest(given, self._key):
                await self._refuse(
                    ApiError(401, "the key is missing or wrong", code="invalid_api_key"), scope, receive, send
                )
                return
        length, size = headers.get(b"content-length", b""), 0
        message = f"the body is larger than {self._most:,} bytes, the most that this server reads"
        if length.isdigit() and int(length) > self._most:
            await self._refuse(ApiError(413, message, code="body_too_large"), scope, receive, send)
            return

        async def limited() -> Message:
            nonlocal size
            part = await receive()
            size += len(part.get("body", b""))
            if size > self._most:
                raise HTTPException(413, message)
            return part

        async def counted(part: Message) -> None:
            if part["type"] == "http.response.start" and part["status"] >= 400:
                self._metrics.refused(part["status"])
            await send(part)

        await self._app(scope, limited, counted)

    async def _refuse(self, error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
        self._metrics.refused(error.status)
        await JSONResponse(error.body(), error.status)(scope, receive, send)
