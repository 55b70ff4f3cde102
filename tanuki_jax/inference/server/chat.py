"""`/v1/chat/completions`: conversations to answer."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.responses import Response

from tanuki_jax.inference.answer_prefix import PrefixRemoval
from tanuki_jax.inference.engine.job import Scored
from tanuki_jax.inference.server.answer_frame import AnswerFrame
from tanuki_jax.inference.server.errors import ERRORS
from tanuki_jax.inference.server.generation import Answer, answers, begin, make_jobs, token_bytes, token_text
from tanuki_jax.inference.server.metrics import Account
from tanuki_jax.inference.server.registry import LONG_TEXT, Registry
from tanuki_jax.inference.server.requests import ChatMessage, ChatRequest, FunctionTool
from tanuki_jax.inference.server.served_model import JobStream, ServedModel
from tanuki_jax.inference.server.streams import LAST_EVENT, EventStream, event, while_connected
from tanuki_jax.inference.server.usage import Usage, usage_of


class TokenLogprob(BaseModel):
    """Log-probability of a token."""

    token: str
    logprob: float
    bytes: list[int]


class TokenLogprobs(TokenLogprob):
    """Log-probability of a token of the answer, and its alternatives, the most probable first."""

    top_logprobs: list[TokenLogprob]


class ChatLogprobs(BaseModel):
    """Log-probabilities of an answer's tokens."""

    content: list[TokenLogprobs]


class AnswerMessage(BaseModel):
    """The assistant's turn."""

    role: str
    content: str


class ChatChoice(BaseModel):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: ChatLogprobs | None
    finish_reason: str


class ChatCompletion(BaseModel):
    """Answers to a conversation."""

    id: str
    object: str
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


def chat_router(registry: Registry) -> APIRouter:
    """Return the endpoint for the models of a registry."""
    router = APIRouter(tags=["protocol of OpenAI"])

    @router.post("/v1/chat/completions", response_model=ChatCompletion, responses=ERRORS)
    async def answer_conversation(body: ChatRequest, request: Request) -> Response:
        """Answer a conversation, by the chat template of the model."""
        served = registry.find(body.model, chats=True)
        ids = await conversation_ids(served, body.messages, body.tools or [])
        tokens = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
        jobs = await make_jobs(
            served,
            [ids],
            body,
            tokens=tokens,
            most_tokens=registry.most_tokens,
            logprobs=bool(body.logprobs),
            prompt_logprobs=False,
            param="messages",
        )
        form = _Form(served, body)
        counting = registry.metrics.request(served, "chat", len(ids))
        stream = begin(served, jobs)
        if body.stream:
            return EventStream(_events(form, len(jobs), stream, counting), stream)
        with contextlib.closing(stream), counting as account:
            done = await while_connected(request.receive, answers(stream, len(jobs), account, served.answer_prefix))
            choices = [form.choice(number, answer) for number, answer in enumerate(done)]
            return JSONResponse(form.around(choices, "chat.completion") | {"usage": usage_of(account)})

    return router


async def conversation_ids(
    served: ServedModel, messages: Sequence[ChatMessage], tools: Sequence[FunctionTool] = ()
) -> list[int]:
    """Return the ids of a conversation. InputError if the template refuses it."""
    turns = [message.model_dump(exclude_unset=True) for message in messages]
    functions = [tool.model_dump(exclude_unset=True) for tool in tools]
    if sum(len(str(message.content)) for message in messages) > LONG_TEXT:
        return await asyncio.to_thread(served.chat_ids, turns, functions)
    return served.chat_ids(turns, functions)


class _Form(AnswerFrame):
    """Answers of one request as JSON."""

    def __init__(self, served: ServedModel, body: ChatRequest) -> None:
        super().__init__(served, body, "chatcmpl")
        self._body = body

    def choice(self, number: int, answer: Answer) -> dict[str, Any]:
        """Return a whole answer."""
        return {
            "index": number,
            "message": {"role": "assistant", "content": answer.text},
            "logprobs": self._logprobs(answer.scores),
            "finish_reason": answer.finish_reason,
        }

    def event(
        self, number: int, delta: dict[str, str], scores: Sequence[Scored] = (), finish_reason: str | None = None
    ) -> bytes:
        """Return the event of a part of an answer."""
        choice = {
            "index": number,
            "delta": delta,
            "logprobs": self._logprobs(scores) if scores else None,
            "finish_reason": finish_reason,
        }
        return event(self.around([choice], "chat.completion.chunk"))

    def _logprobs(self, scores: Sequence[Scored]) -> dict[str, Any] | None:
        if not self._body.logprobs:
            return None
        kept = self._body.top_logprobs or 0
        return {
            "content": [
                self._one(score.token, score.logprob)
                | {"top_logprobs": [*map(self._one, score.top_tokens[:kept], score.top_logprobs[:kept])]}
                for score in scores
            ]
        }

    def _one(self, token: int, logprob: float) -> dict[str, Any]:
        return {"token": token_text(self.served, token), "logprob": logprob, "bytes": token_bytes(self.served, token)}


async def _events(
    form: _Form, choices: int, stream: JobStream, counting: AbstractContextManager[Account]
) -> AsyncGenerator[bytes]:
    """Yield the events of a streamed answer: its role, its text, and one with a finish_reason."""
    prefixes = [PrefixRemoval(form.served.answer_prefix) for _ in range(choices)]
    with counting as account:
        for number in range(choices):
            yield form.event(number, {"role": "assistant", "content": ""})
        async for number, update in stream.updates():
            account.add(update)
            part = Answer()
            part.add(prefixes[number].rest(update))
            if part.text or part.scores:
                yield form.event(number, {"content": part.text}, part.scores)
            if update.done:
                yield form.event(number, {}, finish_reason=part.finish_reason)
        if form.includes_usage:
            yield event(form.around([], "chat.completion.chunk") | {"usage": usage_of(account)})
        yield LAST_EVENT
