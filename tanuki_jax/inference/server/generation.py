"""Requests as jobs of an engine, and updates of jobs as answers."""

import asyncio
import contextlib
import dataclasses
import secrets
from collections.abc import AsyncGenerator, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from tanuki_jax.inference.engine.grammar import TokenGrammar
from tanuki_jax.inference.engine.job import Job, Scored, Update
from tanuki_jax.inference.server.errors import ApiError, EngineFailed
from tanuki_jax.inference.server.metrics import Account
from tanuki_jax.inference.server.requests import ChatRequest, CompletionRequest, ResponseFormat
from tanuki_jax.inference.server.served_model import ServedModel

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


class PrefixRemoval:
    """Removal of the text that a model generates before the answer proper, from deltas."""

    def __init__(self, prefix: str) -> None:
        self._prefix, self._begun = prefix, ""

    def rest(self, update: Update) -> Update:
        """Return the update without what belongs to the prefix; text that may belong to it comes later."""
        if not self._prefix:
            return update
        text = self._begun + update.text
        if len(text) < len(self._prefix) and self._prefix.startswith(text) and not update.done:
            self._begun = text
            return update._replace(text="")
        text, self._prefix, self._begun = text.removeprefix(self._prefix), "", ""
        return update._replace(text=text)


def make_jobs(
    served: ServedModel,
    prompts: Sequence[Sequence[int]],
    request: ChatRequest | CompletionRequest,
    *,
    tokens: int | None,
    most_tokens: int,
    logprobs: bool,
    prompt_logprobs: bool,
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

    Raises:
        ApiError: a prompt is too long, an id or a schema cannot be used, or too many jobs wait.
    """
    least = 0 if tokens == 0 else 1
    for prompt in prompts:
        require_length(served, len(prompt) + least)
    bias, stop = _bias(served, request.logit_bias or {}), request.stop
    grammar = _grammar(served, request.response_format)
    n, limits = request.n or 1, (tokens, most_tokens or None)
    require_room(served, n * len(prompts))
    seed = secrets.randbits(63) if request.seed is None else request.seed % 2**64
    return [
        Job(
            prompt=tuple(prompt),
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
        for prompt in prompts
        for choice in range(n)
    ]


def require_length(served: ServedModel, tokens: int) -> None:
    """Raise ApiError if a prompt and the least that is asked for are longer than the model allows."""
    if tokens > served.engine.longest:
        raise ApiError(
            400,
            f"the prompt and what is asked for have {tokens} tokens, and {served.name} allows {served.engine.longest}: "
            "shorten the prompt",
            param="prompt",
            code="context_length_exceeded",
        )


def require_room(served: ServedModel, jobs: int) -> None:
    """Raise ApiError if too many jobs wait, with the seconds after which to try again."""
    if not served.has_room(jobs):
        wait = served.seconds_to_wait()
        message = f"{served.engine.waiting} requests wait already; try again in {wait} s"
        raise ApiError(429, message, code="queue_full", headers={"Retry-After": str(wait)})


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


def _grammar(served: ServedModel, form: ResponseFormat | None) -> TokenGrammar | None:
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return served.grammars.json_schema({"type": "object"})
    if form.json_schema is None:
        raise ApiError(
            400, "response_format: the type json_schema needs the field json_schema", param="response_format"
        )
    return served.grammars.json_schema(form.json_schema.schema_)


async def merged(served: ServedModel, jobs: Sequence[Job]) -> AsyncGenerator[tuple[int, Update]]:
    """Yield (number of the job, update) of several jobs as they come. Closing the generator cancels them."""
    if len(jobs) == 1:
        async with contextlib.aclosing(served.updates(jobs[0])) as updates:
            async for update in updates:
                yield 0, update
        return
    queue: asyncio.Queue[tuple[int, Update] | EngineFailed] = asyncio.Queue()

    async def forward(number: int, job: Job) -> None:
        try:
            async with contextlib.aclosing(served.updates(job)) as updates:
                async for update in updates:
                    queue.put_nowait((number, update))
        except EngineFailed as error:
            queue.put_nowait(error)

    tasks = [asyncio.create_task(forward(number, job)) for number, job in enumerate(jobs)]
    try:
        unfinished = len(jobs)
        while unfinished:
            item = await queue.get()
            if isinstance(item, EngineFailed):
                raise item
            unfinished -= item[1].done
            yield item
    finally:
        for task in tasks:
            task.cancel()


async def answers(served: ServedModel, jobs: Sequence[Job], account: Account, prefix: str = "") -> list[Answer]:
    """Return the answers of jobs, in their order, without a prefix that the model generates before each."""

    async def one(job: Job) -> Answer:
        answer, removal = Answer(), PrefixRemoval(prefix)
        async with contextlib.aclosing(served.updates(job)) as updates:
            async for update in updates:
                account.add(update)
                answer.add(removal.rest(update))
        return answer

    return await gather(one(job) for job in jobs)


async def gather[Result](work: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Return the results of coroutines that run together; if one fails, cancel the others and raise its error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


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
