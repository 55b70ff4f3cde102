"""An asynchronous client over several endpoints that speak OpenAI's protocol."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tanuki_jax.base.errors import InputError
from tanuki_jax.client import outcomes
from tanuki_jax.client.answers import Answer, Content, Failure, Restart
from tanuki_jax.client.attempt import Caller, Unusable, Work, attempt
from tanuki_jax.client.backoff import Backoff
from tanuki_jax.client.endpoint_pool import EndpointPool, Lease, LiveEndpoint, Ticket
from tanuki_jax.client.extra import import_http
from tanuki_jax.client.health import FIRST_WAIT as FIRST_PROBE
from tanuki_jax.client.open_files import allow_connections
from tanuki_jax.client.run_guard import RunGuard
from tanuki_jax.client.totals import Totals
from tanuki_jax.config.endpoints import Endpoint, Requests

if TYPE_CHECKING:
    from aiohttp import ClientSession

CONNECT_SECONDS = 10.0
"""Seconds after which an endpoint counts as unreachable."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds of the longest backoff after the first failure, and after any."""
LARGEST_ANSWER = 64 << 20
"""Bytes of the longest answer that is read."""
LOG_EVERY = 30.0
"""Seconds without a finished request between two lines of the log."""

type Message = Mapping[str, Any]


class Client:
    """Endpoints behind one interface, for use in `async with`.

    A request ends as exactly one value: an `Answer`, or a `Failure` that names its kind. Failures are values, not
    exceptions, because callers gather thousands of requests: one that fails must not cancel the others, and each needs
    its own line in a report. Exceptions end the run: `TooManyFailures`, `Unreachable`, `Stalled`, and an InputError for
    endpoints that cannot be used as they are configured. Every request raises them, and so does the end of the `async
    with`.

    As many requests are worked on at a time as the concurrencies of the endpoints add up to; the others wait in order,
    and their deadlines do not run yet. So a caller may start all its requests at once.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        requests: Requests | None = None,
        *,
        seed: int | None = None,
        first_wait: float = FIRST_WAIT,
        longest_wait: float = LONGEST_WAIT,
        first_probe: float = FIRST_PROBE,
        largest_answer: int = LARGEST_ANSWER,
        log_every: float = LOG_EVERY,
    ) -> None:
        """Read the keys from their environment variables; nothing is sent yet.

        Args:
            endpoints: at least one.
            requests: limits of time and of failures; None: the defaults.
            seed: seed of the jitter and of the choice among endpoints; None: another one each time.
            first_wait: longest wait after the first failure of a request, in seconds.
            longest_wait: longest wait after any failure, in seconds, unless the server asks for more.
            first_probe: seconds that an endpoint is left alone for at first when it fails again and again.
            largest_answer: bytes of the longest answer that is read.
            log_every: seconds without a finished request between two lines of the log.

        Raises:
            InputError: there is no endpoint, or an environment variable with a key is not set.
        """
        if not endpoints:
            raise InputError("there are no endpoints; name at least one")
        generator = random.Random(seed)
        self._requests = requests or Requests()
        self._backoff = Backoff(first_wait, longest_wait, generator)
        self._pool = EndpointPool(endpoints, generator, first_probe)
        self._window = asyncio.Semaphore(sum(endpoint.concurrency for endpoint in endpoints))
        self._largest = largest_answer
        self._guard = RunGuard(
            self._requests, lambda: [live.describe() for live in self._pool.live], self._pool.unreachable, log_every
        )
        self._session: ClientSession | None = None
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        import_http()
        import aiohttp

        allow_connections(sum(live.endpoint.concurrency for live in self._pool.live))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._watch = asyncio.create_task(self._guard.watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._session is not None and self._watch is not None
        self._watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watch
        await self._session.close()
        if kind is None:
            self._guard.raise_if_stopped()

    @property
    def totals(self) -> Totals:
        """Return the counts of all endpoints together."""
        return Totals.sum(self.totals_by_endpoint)

    @property
    def totals_by_endpoint(self) -> tuple[Totals, ...]:
        """Return the counts of each endpoint, in their order."""
        return tuple(live.totals for live in self._pool.live)

    async def chat(self, messages: Sequence[Message], **fields: Any) -> Answer | Failure:
        """Return the answer to a conversation. `fields` are those of the API, such as temperature or max_tokens."""
        return await self.post("chat/completions", {"messages": list(messages), **fields})

    async def complete(self, prompt: str | Sequence[int], **fields: Any) -> Answer | Failure:
        """Return the continuation of a text, or of token ids."""
        prompt = prompt if isinstance(prompt, str) else list(prompt)
        return await self.post("completions", {"prompt": prompt, **fields})

    async def embed(self, texts: Sequence[str], **fields: Any) -> Answer | Failure:
        """Return the embeddings of texts: the `vectors` of the answer, one a text."""
        return await self.post("embeddings", {"input": list(texts), **fields})

    async def models(self) -> Answer | Failure:
        """Return the list of models of an endpoint: objects with an `id` in the field `data` of the answer's JSON."""
        return await self._finish(Work("models", None))

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer | Failure:
        """Return the answer to any request.

        Args:
            path: path below /v1.
            body: JSON of the request. The endpoint's model is added unless it names one.

        Raises:
            CommandError: the run was stopped.
            ValueError: the body has a number that is not finite, which JSON cannot express.
        """
        return await self._finish(Work(path.strip("/"), dict(body)))

    async def stream_chat(
        self, messages: Sequence[Message], **fields: Any
    ) -> AsyncGenerator[str | Restart | Answer | Failure]:
        """Yield the pieces of the first choice's text as they come, and at the end the `Answer` or the `Failure`.

        A `Restart` means that the stream broke, and all pieces before it are void.
        """
        events: asyncio.Queue[str | Restart | None] = asyncio.Queue()
        body = {"messages": list(messages), "stream": True, "stream_options": {"include_usage": True}, **fields}
        work = Work("chat/completions", body, on_text=events.put_nowait)
        # A task of its own: a time limit of the request must not strike the caller's code between two yields.
        task = asyncio.create_task(self._finish(work, on_restart=events.put_nowait))
        task.add_done_callback(lambda _: events.put_nowait(None))
        void = True
        try:
            while (event := await events.get()) is not None:
                if isinstance(event, str) or not void:
                    yield event
                void = not isinstance(event, str)
            yield task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _finish(self, work: Work, on_restart: Callable[[Restart], None] | None = None) -> Answer | Failure:
        """Return how a request ends, after all its attempts."""
        self._guard.raise_if_stopped()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as scope:
                with self._guard.ending(scope):
                    async with self._window:
                        self._guard.raise_if_stopped()  # or the deadline would replace the end that it has set
                        with self._guard.running():
                            request = _Request(work, loop.time(), on_restart)
                            scope.reschedule(loop.time() + self._requests.deadline_seconds)
                            result = await self._attempts(request)
        except TimeoutError:
            self._guard.raise_if_stopped()
            result = request.failure(f"the deadline of {self._requests.deadline_seconds:g} s is over")
        self._guard.finished(result)
        return result

    async def _attempts(self, request: _Request) -> Answer | Failure:
        """Return how a request ends if its deadline does not end it."""
        loop = asyncio.get_running_loop()
        while True:
            lease = await self._pool.acquire(request.ticket)
            request.pending = lease.live.url
            content = await self._attempt(lease, request.work)
            if isinstance(content, Content):
                return request.answer(lease.live, content)
            request.note(lease.live, content)
            if not content.outcome.again:
                return request.failure("")
            if request.tries >= self._requests.tries:
                return request.failure(f"this was try {request.tries} of {self._requests.tries}")
            left = request.began + self._requests.deadline_seconds - loop.time()
            wait = self._backoff.wait(request.tries + request.delays, content.retry_after, left)
            request.ticket.not_before[lease.live] = loop.time() + wait
            if all(request.ticket.not_before.get(live) == math.inf for live in self._pool.live):
                deadline = self._requests.deadline_seconds
                return request.failure(f"too little of the deadline of {deadline:g} s is left for a further attempt")

    async def _attempt(self, lease: Lease, work: Work) -> Content | Unusable:
        """Send a request to the endpoint of a lease, and give back the lease."""
        assert self._session is not None, "a Client is used in `async with`"
        live = lease.live
        caller = Caller(self._session, self._requests.attempt_seconds, self._largest)
        try:
            content: Content | Unusable | None = None
            if work.body is not None and not live.model and "model" not in work.body:
                content = await self._find_model(caller, live)
            if content is None:
                content = await attempt(caller, live.url, live.key, work, live.model)
        except BaseException:
            self._pool.abandon(lease)
            raise
        if isinstance(content, Content):
            live.totals.add(live.endpoint, content.usage)
            self._pool.release(lease, outcomes.ANSWERED, "answers")
        else:
            self._pool.release(lease, content.outcome, content.message)
        return content

    async def _find_model(self, caller: Caller, live: LiveEndpoint) -> Unusable | None:
        """Set the endpoint's model to the only one that it lists. Return an attempt that failed; None: it is set.

        An endpoint that lists none or several is a mistake of the user, and stops the run.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with live.models_lock:
            if live.model:
                return None
            if live.models_failure is not None and live.models_failed > begun:
                return live.models_failure  # another request has asked in the meantime
            listed = await attempt(caller, live.url, live.key, Work("models", None), "")
            if isinstance(listed, Unusable):
                listed = dataclasses.replace(listed, message=f"{listed.message}, when asked for its models")
                live.models_failure, live.models_failed = listed, loop.time()
                return listed
            rows = listed.raw.get("data")
            names = [str(row.get("id")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
            if len(names) != 1:
                shown = ", ".join([*names[:5], *(["..."] if names[5:] else [])])
                models = f"{len(names)} models ({shown})" if names else "no model"
                self._guard.stop(InputError(f"{live.url} lists {models}; set the endpoint's model to one of its names"))
                self._guard.raise_if_stopped()
            live.model = names[0]
            return None


@dataclasses.dataclass
class _Request:
    """A request that is being worked on."""

    work: Work
    began: float
    on_restart: Callable[[Restart], None] | None
    ticket: Ticket = dataclasses.field(default_factory=Ticket)
    tries: int = 0
    delays: int = 0
    pending: str = ""
    """Address of the endpoint that has not answered yet; empty: the request is not in flight."""
    last: Unusable | None = None
    last_url: str = ""

    def note(self, live: LiveEndpoint, reply: Unusable) -> None:
        """Note an attempt that gave no answer."""
        self.tries += reply.outcome.uses_try
        self.delays += not reply.outcome.uses_try
        self.ticket.failures[live] += 1
        self.last, self.last_url, self.pending = reply, live.url, ""
        if self.on_restart is not None and reply.outcome.again:
            self.on_restart(Restart(f"{live.url} {reply.message}"))

    def answer(self, live: LiveEndpoint, content: Content) -> Answer:
        """Return the answer."""
        fields = {field.name: getattr(content, field.name) for field in dataclasses.fields(content)}
        return Answer(**fields, endpoint=live.url, tries=self.tries + 1, delays=self.delays, seconds=self._seconds())

    def failure(self, ending: str) -> Failure:
        """Return the failure, with the reason why there is no further attempt; empty: the last outcome is final."""
        words = [f"{self.last_url} {self.last.message}"] if self.last is not None else []
        words += [f"{self.pending} has not answered yet"] if self.pending else []
        return Failure(
            kind=self.last.outcome.kind if self.last is not None else outcomes.DEADLINE,
            status=self.last.status if self.last is not None else None,
            message="; ".join([*(words or ["no endpoint could take the request"]), *([ending] if ending else [])]),
            endpoint=self.last_url or self.pending,
            tries=self.tries,
            delays=self.delays,
            seconds=self._seconds(),
        )

    def _seconds(self) -> float:
        return asyncio.get_running_loop().time() - self.began
