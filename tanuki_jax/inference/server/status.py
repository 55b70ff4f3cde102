"""`/v1/models`, `/health`, `/ready` and `/metrics`: what is served, and how it is."""

import time

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from starlette.responses import Response

from tanuki_jax.inference.server.errors import ERRORS, ApiError
from tanuki_jax.inference.server.registry import Registry
from tanuki_jax.inference.server.served_model import ServedModel


class ModelCard(BaseModel):
    """A served model."""

    id: str
    object: str = "model"
    created: int
    owned_by: str = "tanuki_jax"
    max_model_len: int
    fingerprint: str
    """Text that differs for other weights, another tokenizer or another adapter."""


class ModelList(BaseModel):
    """All served models, the default one first."""

    object: str = "list"
    data: list[ModelCard]


def status_router(registry: Registry) -> APIRouter:
    """Return the endpoints that say what is served and how it is."""
    router, started = APIRouter(tags=["server"]), int(time.time())

    def card(served: ServedModel) -> ModelCard:
        longest = served.engine.longest
        return ModelCard(id=served.name, created=started, max_model_len=longest, fingerprint=served.fingerprint)

    @router.get("/v1/models", responses={401: ERRORS[401]})
    async def list_models() -> ModelList:
        """List the models."""
        return ModelList(data=[card(served) for served in registry.models.values()])

    @router.get("/v1/models/{name:path}", responses=ERRORS)
    async def describe_model(name: str) -> ModelCard:
        """Return one model."""
        return card(registry.find(name))

    @router.head("/health", include_in_schema=False)
    @router.get("/health", response_class=PlainTextResponse, responses={503: ERRORS[503]})
    async def check_health() -> Response:
        """Say whether every model can answer."""
        for name in registry.models:
            registry.find(name)
        return PlainTextResponse("ok")

    @router.head("/ready", include_in_schema=False)
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
