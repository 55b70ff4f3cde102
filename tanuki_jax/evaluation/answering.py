"""Answers of models, each asked for once: from the journal of the run, or from the model."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from tanuki_jax.client.answer_journal import AnswerJournal, Stored, hash_of
from tanuki_jax.client.answers import Failure
from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Requests
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.benchmark import Ask, By, Reply, seed_of
from tanuki_jax.evaluation.graders.final_answer import after_thinking

LONGEST_TOKEN = 32
"""Characters that an answer may have for each of its most tokens, which have 1 to 5 on average."""
SHORT_ANSWER = 10_000
"""Characters that any answer may have."""


@dataclass(frozen=True)
class Answerer:
    """A model that answers."""

    remote: RemoteModel
    option: str
    """Name of its options, as in "judge"."""
    name: str
    """Name of the model, as its servers call it."""
    fingerprint: str
    """Text that differs for another model: answers are kept under it."""
    stated: bool = True
    """Whether the server or the user stated it; if not, it is the address."""


@dataclass
class Counts:
    """Numbers of requests of a run."""

    asked: int = 0
    reused: int = 0
    """Answers that the journal had."""
    failed: int = 0


class Answering:
    """The models of a run behind one journal, for use in `async with`.

    A request waits until its answer is on the disk. So a process that is killed loses no more answers than requests
    were in flight.
    """

    def __init__(self, answerers: Mapping[By, Answerer], journal: AnswerJournal, requests: Requests, seed: int) -> None:
        """Send nothing yet.

        Args:
            answerers: the models by their parts.
            journal: answers of earlier runs, which is open.
            requests: limits of time and of failures.
            seed: seed of the answers that are drawn.
        """
        self._answerers, self._journal, self._requests, self._seed = answerers, journal, requests, seed
        self._stored = dict(journal.answers)
        self._running: dict[str, asyncio.Task[Stored | Failure]] = {}
        self._clients: dict[By, Client] = {}
        self._windows: dict[By, asyncio.Semaphore] = {}
        self._writing = asyncio.Lock()
        self._unwritten = 0
        self.counts = Counts()

    @property
    def at_once(self) -> int:
        """Return the most requests that all models together may have in flight."""
        return sum(each.remote.concurrency * len(each.remote.urls) for each in self._answerers.values())

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open the clients during the block."""
        async with contextlib.AsyncExitStack() as stack:
            for by, answerer in self._answerers.items():
                endpoints = answerer.remote.endpoints(answerer.option)
                self._clients[by] = await stack.enter_async_context(Client(endpoints, self._requests))
                self._windows[by] = asyncio.Semaphore(sum(each.concurrency for each in endpoints))
            try:
                yield
            finally:  # after an error nobody waits for the requests in flight
                running = [*self._running.values()]
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    async def reply(self, ask: Ask) -> Reply:
        """Return the reply to a request. A request that fails is a reply too.

        Raises:
            CommandError: the models cannot be used at all.
        """
        answerer = self._answerers[ask.by]
        body: dict[str, Any] = {"model": answerer.name, **ask.body}
        if body.get("temperature"):
            body["seed"] = seed_of(self._seed, hash_of(body), ask.sample)
        key = hash_of({"of": answerer.fingerprint, "path": ask.path, "sample": ask.sample, "body": body})
        if (stored := self._stored.get(key)) is not None:
            self.counts.reused += 1
            return read_reply(stored, ask)
        if key not in self._running:
            self._running[key] = asyncio.create_task(self._ask(key, ask, body))
        try:
            found = await asyncio.shield(self._running[key])
        finally:
            if key in self._running and self._running[key].done():
                del self._running[key]
        if isinstance(found, Failure):
            return Reply(failure=writable(found.message))
        return read_reply(found, ask)

    async def _ask(self, key: str, ask: Ask, body: dict[str, Any]) -> Stored | Failure:
        """Return the model's answer, which is on the disk, or the failure, which is not kept."""
        async with self._windows[ask.by]:
            self.counts.asked += 1
            answer = await self._clients[ask.by].post(ask.path, body)
            if isinstance(answer, Failure):
                self.counts.failed += 1
                return answer
            tokens = answer.usage.input_tokens, answer.usage.output_tokens
            price = self._answerers[ask.by].remote.price(*tokens)
            stored = Stored(answer.texts, answer.finish_reasons, *tokens, price, _logprobs(answer.raw))
            self._journal.add(key, stored)
            await self._write()
            self._stored[key] = stored
            return stored

    async def _write(self) -> None:
        """Wait until all answers that were added are on the disk. Those who wait together are written together."""
        self._unwritten += 1
        async with self._writing:
            if self._unwritten:
                self._unwritten = 0
                await asyncio.to_thread(self._journal.flush)


def read_reply(stored: Stored, ask: Ask) -> Reply:
    """Return an answer as a chain gets it: without the thinking, and without white space around it.

    An answer that is longer than its most tokens can be, from a server that ignores them, is cut: graders take seconds
    for 100,000 characters. The text of a request with `echo` is its prompt: it is not searched for thinking, and is
    never cut.
    """
    raw = writable(stored.texts[0] if stored.texts else "")
    if ask.body.get("echo"):
        return Reply(raw, logprobs=stored.logprobs, raw=raw, input_tokens=stored.input_tokens)
    final = after_thinking(raw)
    longest = max(SHORT_ANSWER, LONGEST_TOKEN * int(ask.body.get("max_tokens", 0)))
    cut = final.cut or "length" in stored.ends
    if len(final.text) > longest:
        raw, cut = raw[:longest], True
    return Reply(final.text[:longest], cut, logprobs=stored.logprobs, raw=raw, input_tokens=stored.input_tokens)


def writable(text: str) -> str:
    """Return a text that can be written, with a question mark for each half of a surrogate pair."""
    return text.encode(errors="replace").decode()


def _logprobs(raw: Mapping[str, Any]) -> Any:
    """Return the log-probabilities of the first choice; None: there are none."""
    try:
        return raw["choices"][0]["logprobs"]
    except (KeyError, IndexError, TypeError):
        return None
