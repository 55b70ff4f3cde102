"""Requests as jobs of an engine, and updates of jobs as answers."""

import dataclasses
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.inference.answer_prefix import PrefixRemoval
from tanuki_jax.inference.engine.grammar import TokenGrammar
from tanuki_jax.inference.engine.job import Job, Scored, Update
from tanuki_jax.inference.server.errors import ApiError
from tanuki_jax.inference.server.metrics import Account
from tanuki_jax.inference.server.requests import ChatRequest, CompletionRequest, ResponseFormat
from tanuki_jax.inference.server.served_model import JobStream, ServedModel

FINISH_REASONS = {"eos_token": "stop", "stop_sequence": "stop", "length": "length"}
"""Our reasons -> OpenAI's."""


@dataclasses.dataclass
class Answer:
    """One answer as far as it has come."""

    text: str = ""
    tokens: int = 0
    scores: list[Scored] = dataclasses.field(default_factory=list)
    prompt_scores: list[Scored] = dataclasses.field(default_factory=list)
    finish_reason: str = "length"

    def add(self, update: Update) -> None:
        """Add what is new."""
        self.text += update.text
        self.tokens += len(update.tokens)
        self.scores += update.scores
        self.prompt_scores += update.prompt_scores
        if update.finish_reason is not None:
            self.finish_reason = FINISH_REASONS[update.finish_reason]


async def make_jobs(
    served: ServedModel,
    prompts: Sequence[Sequence[int]],
    request: ChatRequest | CompletionRequest,
    *,
    tokens: int | None,
    most_tokens: int,
    logprobs: bool,
    prompt_logprobs: bool,
    param: str,
) -> list[Job]:
    """Return the jobs of a request: for each prompt its `n` answers, in order.

    Args:
        served: the model.
        prompts: ids of each.
        request: options.
        tokens: most new tokens of an answer; None: as many as there is room for.
        most_tokens: limit of the server; 0: none.
        logprobs: whether those of new tokens are needed.
        prompt_logprobs: whether those of the prompts are needed.
        param: field of the request that has the prompts.

    Raises:
        ApiError: a prompt is too long, there are too many of them, or an id or a schema cannot be used.
    """
    n, limits = request.n or 1, (tokens, most_tokens or None)
    require_number(served, n * len(prompts), param)
    least = 0 if tokens == 0 else 1
    for prompt in prompts:
        require_length(served, len(prompt) + least, param)
    bias, stop = _bias(served, request.logit_bias or {}), request.stop
    grammar = await _grammar(served, request.response_format)
    seed = secrets.randbits(63) if request.seed is None else request.seed % 2**64
    return [
        Job(
            prompt=prompt,
            tokens=min([limit for limit in limits if limit is not None] + [served.engine.longest - len(prompt)]),
            temperature=1.0 if request.temperature is None else request.temperature,
            top_k=max(request.top_k or 0, 0),
            top_p=1.0 if request.top_p is None else request.top_p,
            min_p=request.min_p or 0.0,
            seed=seed,
            choice=choice,
            stop=tuple(filter(None, [stop] if isinstance(stop, str) else stop or [])),
            bias=bias,
            presence_penalty=request.presence_penalty or 0.0,
            frequency_penalty=request.frequency_penalty or 0.0,
            repetition_penalty=request.repetition_penalty or 1.0,
            grammar=None if grammar is None else grammar.copy(),
            logprobs=logprobs,
            prompt_logprobs=prompt_logprobs,
        )
        for prompt in map(tuple, prompts)
        for choice in range(n)
    ]


def require_number(served: ServedModel, answers: int, param: str) -> None:
    """Raise ApiError if a request asks for more answers than even an idle server takes."""
    if answers > served.most_jobs:
        message = f"{param}: {answers:,} answers are asked for at once, and {served.name} takes {served.most_jobs:,}"
        raise ApiError(400, f"{message}; ask in several requests", param=param, code="too_many_answers")


def begin(served: ServedModel, jobs: Sequence[Job]) -> JobStream:
    """Submit the jobs of a request. ApiError if too many wait, with the seconds after which to try again."""
    if not served.has_room(len(jobs)):
        wait = served.seconds_to_wait()
        message = f"{served.engine.waiting} answers wait already; try again in {wait} s"
        raise ApiError(429, message, code="queue_full", headers={"Retry-After": str(wait)})
    return served.begin(jobs)


def require_length(served: ServedModel, tokens: int, param: str) -> None:
    """Raise ApiError if a prompt and the least that is asked for are longer than the model allows."""
    if tokens > served.engine.longest:
        raise ApiError(
            400,
            f"{param}: the text and the least that is asked for have {tokens} tokens, and {served.name} allows "
            f"{served.engine.longest}; shorten the text",
            param=param,
            code="context_length_exceeded",
        )


def _bias(served: ServedModel, given: Mapping[str, float]) -> dict[int, float]:
    vocabulary = served.loaded.tokenizer.vocabulary
    for token in given:
        if not (token.isascii() and token.isdigit() and len(token) < 12 and int(token) < vocabulary):
            raise ApiError(
                400,
                f"logit_bias: {token[:40]!r} is not an id below {vocabulary}, the size of the vocabulary",
                param="logit_bias",
            )
    return {int(token): value for token, value in given.items()}


async def _grammar(served: ServedModel, form: ResponseFormat | None) -> TokenGrammar | None:
    if form is None or form.type == "text":
        return None
    schema: dict[str, Any] = {"type": "object"}
    if form.type == "json_schema":
        if form.json_schema is None:
            message = "response_format: the type json_schema needs the field json_schema, with the schema in it"
            raise ApiError(400, message, param="response_format")
        schema = form.json_schema.schema_
    try:
        return await served.grammar(schema)
    except InputError as error:
        raise ApiError(400, f"response_format: {error}", param="response_format") from error


async def answers(stream: JobStream, number: int, account: Account, prefix: str = "") -> list[Answer]:
    """Return the answers of so many jobs, in their order, without a prefix that the model generates before each."""
    collected = [(Answer(), PrefixRemoval(prefix)) for _ in range(number)]
    async for index, update in stream.updates():
        answer, removal = collected[index]
        account.add(update)
        answer.add(removal.rest(update))
    return [answer for answer, _ in collected]


def token_text(served: ServedModel, token: int) -> str:
    """Return a token as text: what it adds, its name if it adds none, or its bytes if they are no character."""
    piece = served.loaded.tokenizer.piece_bytes(token)
    if piece is None:
        return served.names_of_special.get(token, f"<{token}>")
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece)


def token_bytes(served: ServedModel, token: int) -> list[int]:
    """Return the bytes that a token adds."""
    return [*(served.loaded.tokenizer.piece_bytes(token) or b"")]
