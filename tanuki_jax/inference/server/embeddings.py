"""`/v1/embeddings`: the mean of a text's last hidden states."""

import base64
import contextlib
from typing import Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.responses import Response

from tanuki_jax.inference.engine.job import Job
from tanuki_jax.inference.server.errors import ERRORS, ApiError
from tanuki_jax.inference.server.generation import begin, require_length, require_number
from tanuki_jax.inference.server.registry import Registry
from tanuki_jax.inference.server.requests import EmbeddingRequest
from tanuki_jax.inference.server.served_model import JobStream
from tanuki_jax.inference.server.streams import while_connected


class Embedding(BaseModel):
    """Embedding of one text: numbers, or their float32 in base64."""

    object: str
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """Counts of tokens."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(BaseModel):
    """Embeddings of the texts of a request, in their order."""

    object: str
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


def embeddings_router(registry: Registry) -> APIRouter:
    """Return the endpoint for the models of a registry."""
    router = APIRouter(tags=["protocol of OpenAI"])

    @router.post("/v1/embeddings", response_model=Embeddings, responses=ERRORS)
    async def embed_texts(body: EmbeddingRequest, request: Request) -> Response:
        """Return for each text the mean of its tokens' last hidden states, in float32."""
        served = registry.find(body.model)
        width = served.loaded.model.width
        if body.dimensions not in (None, width):
            message = f"dimensions: {body.dimensions} is not {width}, the width of {served.name}; leave it out"
            raise ApiError(400, message, param="dimensions")
        prompts = await registry.prompts(served, body.input, "input")
        require_number(served, len(prompts), "input")
        for prompt in prompts:
            require_length(served, len(prompt), "input")
        tokens = sum(map(len, prompts))
        jobs = [Job(prompt=tuple(prompt), embed=True) for prompt in prompts]
        counting = registry.metrics.request(served, "embeddings", tokens)
        with contextlib.closing(begin(served, jobs)) as stream, counting:
            vectors = await while_connected(request.receive, _vectors(stream, len(jobs)))
        data = [
            {"object": "embedding", "index": index, "embedding": _encoded(vector, body.encoding_format or "float")}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "data": data, "model": served.name, "usage": usage})

    return router


async def _vectors(stream: JobStream, number: int) -> list[npt.NDArray[np.float32]]:
    vectors: dict[int, npt.NDArray[np.float32]] = {}
    async for index, update in stream.updates():
        assert update.embedding is not None
        vectors[index] = update.embedding
    return [vectors[index] for index in range(number)]


def _encoded(vector: npt.NDArray[np.float32], form: str) -> Any:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode() if form == "base64" else vector.tolist()
