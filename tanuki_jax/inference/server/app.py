"""The application: all endpoints, their description, and what stands before them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Security
from fastapi.responses import RedirectResponse
from fastapi.security import HTTPBearer
from fastapi_offline import FastAPIOffline

from tanuki_jax.inference.server.chat import chat_router
from tanuki_jax.inference.server.completions import completions_router
from tanuki_jax.inference.server.embeddings import embeddings_router
from tanuki_jax.inference.server.errors import install_handlers
from tanuki_jax.inference.server.registry import Registry
from tanuki_jax.inference.server.request_limits import RequestLimits
from tanuki_jax.inference.server.status import status_router
from tanuki_jax.inference.server.tokens import tokens_router


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
        dependencies=[Security(HTTPBearer(auto_error=False))] if key else [],  # for the button of /docs
    )
    describe = app.openapi
    install_handlers(app)
    for router in (chat_router, completions_router, embeddings_router, tokens_router, status_router):
        app.include_router(router(registry))
    app.add_middleware(RequestLimits, key=key, most_body_bytes=most_body_bytes, metrics=registry.metrics)

    @app.get("/", include_in_schema=False)
    async def show_docs() -> RedirectResponse:
        return RedirectResponse("/docs")

    app.openapi = lambda: _without_unused_error(describe())  # type: ignore[method-assign]
    return app


def _without_unused_error(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI schema without the form of FastAPI's own refusals: ours have OpenAI's."""
    for path in schema["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
    return schema
