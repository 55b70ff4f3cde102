"""`/v1/completions`: texts to continue, and log-probabilities of texts."""

import codecs
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.responses import Response

from tanuki_jax.inference.engine.job import Job, Scored
from tanuki_jax.inference.server.answer_frame import AnswerFrame
from tanuki_jax.inference.server.errors import ERRORS, ApiError
from tanuki_jax.inference.server.generation import Answer, answers, begin, make_jobs, token_bytes, token_text
from tanuki_jax.inference.server.metrics import Account
from tanuki_jax.inference.server.registry import Registry
from tanuki_jax.inference.server.requests import CompletionRequest
from tanuki_jax.inference.server.served_model import JobStream, ServedModel
from tanuki_jax.inference.server.streams import LAST_EVENT, EventStream, event, while_connected
from tanuki_jax.inference.server.usage import Usage, usage_of

DEFAULT_TOKENS = 16
"""New tokens if a request names no number, as OpenAI's."""


class Logprobs(BaseModel):
    """Log-probabilities of the tokens of a text; null where there is none, at the text's first token."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class CompletionChoice(BaseModel):
    """One continuation."""

    index: int
    text: str
    logprobs: Logprobs | None
    finish_reason: str | None


class Completion(BaseModel):
    """Continuations of the prompts of a request, prompt by prompt."""

    id: str
    object: str
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None = None


def completions_router(registry: Registry) -> APIRouter:
    """Return the endpoint for the models of a registry."""
    router = APIRouter(tags=["protocol of OpenAI"])

    @router.post("/v1/completions", response_model=Completion, responses=ERRORS)
    async def continue_texts(body: CompletionRequest, request: Request) -> Response:
        """Continue texts; with `echo` and `logprobs` also say how probable they are."""
        served = registry.find(body.model)
        _refuse_unsupported(body)
        prompts = await registry.prompts(served, body.prompt, "prompt")
        tokens = DEFAULT_TOKENS if body.max_tokens is None else body.max_tokens
        scored = body.logprobs is not None
        jobs = await make_jobs(
            served,
            prompts,
            body,
            tokens=tokens,
            most_tokens=registry.most_tokens,
            logprobs=scored,
            prompt_logprobs=scored and bool(body.echo),
            param="prompt",
        )
        form = _Form(served, body)
        counting = registry.metrics.request(served, "completions", sum(map(len, prompts)))
        stream = begin(served, jobs)
        if body.stream:
            return EventStream(_events(form, jobs, stream, counting), stream)
        with contextlib.closing(stream), counting as account:
            done = await while_connected(request.receive, answers(stream, len(jobs), account))
            pairs = enumerate(zip(jobs, done, strict=True))
            choices = [
                form.choice(index, job, answer, answer.finish_reason, _Offsets()) for index, (job, answer) in pairs
            ]
            return JSONResponse(form.frame(choices) | {"usage": usage_of(account)})

    return router


def _refuse_unsupported(body: CompletionRequest) -> None:
    if body.suffix:
        raise ApiError(400, "suffix: it is not supported; leave it out", param="suffix")
    if body.best_of not in (None, body.n or 1):
        raise ApiError(400, f"best_of: {body.best_of} is not n, which is {body.n or 1}; leave it out", param="best_of")


class _Offsets:
    """Places in a text where its tokens begin, in characters."""

    def __init__(self) -> None:
        self.new, self._characters = True, 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def next(self, piece: Sequence[int]) -> int:
        """Return where the next token begins, whose bytes these are; a part of a character begins where that does."""
        begin = self._characters
        self._characters += len(self._decoder.decode(bytes(piece)))
        return begin


class _Form(AnswerFrame):
    """Answers of one request as JSON."""

    def __init__(self, served: ServedModel, body: CompletionRequest) -> None:
        super().__init__(served, body, "cmpl")
        self._body = body

    def frame(self, choices: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the answer, or an event, around choices."""
        return self.around(choices, "text_completion")

    def choice(
        self, number: int, job: Job, answer: Answer, finish_reason: str | None, offsets: "_Offsets"
    ) -> dict[str, Any]:
        """Return an answer, or a part of one.

        Args:
            number: of the answer.
            job: its job.
            answer: what is new of it.
            finish_reason: null before the last part.
            offsets: of the answer's tokens; new before its first part, which begins with the prompt if that is echoed.
        """
        text, scores, begins = answer.text, [*answer.scores], offsets.new and bool(self._body.echo)
        if begins:
            text = self.served.loaded.tokenizer.decode(job.prompt) + text
            if self._body.logprobs is not None:
                scores = [Scored(job.prompt[0], 0.0, (), ()), *answer.prompt_scores, *scores]
        offsets.new = False
        logprobs = self._logprobs(scores, offsets, begins=begins)
        return {"index": number, "text": text, "logprobs": logprobs, "finish_reason": finish_reason}

    def _logprobs(self, scores: Sequence[Scored], offsets: "_Offsets", *, begins: bool) -> dict[str, Any] | None:
        """Return log-probabilities of the tokens; of the first none if it begins a prompt."""
        if self._body.logprobs is None:
            return None
        texts = [token_text(self.served, score.token) for score in scores]
        values = [score.logprob for score in scores]
        tops = [self._top(score, text) for score, text in zip(scores, texts, strict=True)]
        return {
            "tokens": texts,
            "token_logprobs": [None, *values[1:]] if begins else values,
            "top_logprobs": [None, *tops[1:]] if begins else tops,
            "text_offset": [offsets.next(token_bytes(self.served, score.token)) for score in scores],
        }

    def _top(self, score: Scored, text: str) -> dict[str, float]:
        """Return token -> log-probability of the most probable tokens and of the one that stands there.

        Of two tokens with one text the more probable one counts, so that the largest value is the most probable
        token's.
        """
        kept = max(self._body.logprobs or 0, 1)
        pairs = list(zip(score.top_tokens, score.top_logprobs, strict=True))[:kept]
        top: dict[str, float] = {}
        for token, logprob in pairs:
            top.setdefault(token_text(self.served, token), logprob)
        top.setdefault(text, score.logprob)
        return top


async def _events(
    form: _Form, jobs: Sequence[Job], stream: JobStream, counting: AbstractContextManager[Account]
) -> AsyncGenerator[bytes]:
    """Yield the events of a streamed answer: exactly one of each choice has a finish_reason."""
    offsets = [_Offsets() for _ in jobs]
    with counting as account:
        async for number, update in stream.updates():
            account.add(update)
            part = Answer()
            part.add(update)
            if part.text or part.scores or part.prompt_scores or update.done:
                reason = part.finish_reason if update.done else None
                yield event(form.frame([form.choice(number, jobs[number], part, reason, offsets[number])]))
        if form.includes_usage:
            yield event(form.frame([]) | {"usage": usage_of(account)})
        yield LAST_EVENT
