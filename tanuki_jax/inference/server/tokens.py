"""`/tokenizer_info`, `/tokenize` and `/detokenize`: a model's tokenizer, for clients that have none."""

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel

from tanuki_jax.inference.server.chat import conversation_ids
from tanuki_jax.inference.server.errors import ERRORS, ApiError
from tanuki_jax.inference.server.registry import Registry
from tanuki_jax.inference.server.requests import DetokenizeRequest, TokenizeRequest


class TokenizerInfo(BaseModel):
    """Tokenizer of a model."""

    bos_token: str | None
    eos_token: str | None
    pad_token: str | None
    chat_template: str | None
    vocab_size: int


class Tokens(BaseModel):
    """Ids of a text."""

    count: int
    max_model_len: int
    tokens: list[int]


class Text(BaseModel):
    """Text of ids."""

    prompt: str


def tokens_router(registry: Registry) -> APIRouter:
    """Return the endpoints for the models of a registry."""
    router = APIRouter(responses=ERRORS, tags=["tokens"])

    @router.get("/tokenizer_info")
    async def describe_tokenizer(model: str | None = None) -> TokenizerInfo:
        """Return special tokens and chat template of a model."""
        served = registry.find(model)
        names, tokenizer = served.names_of_special, served.loaded.tokenizer

        def name(id: int | None) -> str | None:
            return None if id is None else names.get(id)

        return TokenizerInfo(
            bos_token=name(tokenizer.bos),
            eos_token=name(served.loaded.end_ids[0]),
            pad_token=name(tokenizer.pad),
            chat_template=served.chats.template.source if served.chats else None,
            vocab_size=tokenizer.vocabulary,
        )

    @router.post("/tokenize")
    async def encode_text(body: TokenizeRequest) -> Tokens:
        """Return the ids of a text, or of a conversation up to where the answer begins.

        A prompt that is the name of a special token and nothing else becomes that token: so do clients ask for its id.
        """
        served = registry.find(body.model)
        if (body.prompt is None) == (body.messages is None):
            raise ApiError(400, "give either prompt or messages", param="prompt")
        if body.messages is not None:
            ids = await conversation_ids(served, body.messages)
        else:
            assert body.prompt is not None
            begin: list[int] = [*served.loaded.bos] if body.add_special_tokens else []
            special = served.loaded.tokenizer.special.get(body.prompt)
            ids = [*begin, *(await registry.encode(served, body.prompt) if special is None else [special])]
        return Tokens(count=len(ids), max_model_len=served.engine.longest, tokens=ids)

    @router.post("/detokenize")
    async def decode_ids(body: DetokenizeRequest) -> Text:
        """Return the text of ids."""
        served = registry.find(body.model)
        registry.require_ids(served, body.tokens, "tokens")
        return Text(prompt=await asyncio.to_thread(served.loaded.tokenizer.decode, body.tokens))

    return router
