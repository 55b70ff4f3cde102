"""A model that is served: its engine in a thread of its own, and jobs as streams of updates."""

import asyncio
import functools
import logging
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.turns import message_of, tools_of
from tanuki_jax.inference.chat_prompts import ChatPrompts
from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.grammar import GrammarCompiler, TokenGrammar
from tanuki_jax.inference.engine.job import Job, Update
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.server.errors import ENGINE_ENDED, JOB_ENDED, AnswerFailed, ApiError

_log = logging.getLogger(__name__)


class ServedModel:
    """A model under its name.

    Attributes:
        name: what requests call it.
        loaded: model and tokenizer.
        engine: what makes the tokens.
        fingerprint: text that differs for other weights.
        chats: conversations as prompts; None if the tokenizer has no chat template that fits it.
        why_no_chats: reason in words; empty: there is one.
        failed: whether the engine has ended with an error.
    """

    def __init__(self, name: str, loaded: LoadedModel, engine: Engine, *, most_waiting: int, fingerprint: str) -> None:
        self.name, self.loaded, self.engine, self._most_waiting = name, loaded, engine, most_waiting
        self.fingerprint = fingerprint
        self.chats: ChatPrompts | None = None
        self.why_no_chats = ""
        try:
            self.chats = ChatPrompts(loaded)
        except InputError as error:
            self.why_no_chats = str(error)
        self.failed = False
        self._compiling = asyncio.Lock()
        self._wake, self._stopping = threading.Event(), False
        self._streams: dict[Job, tuple[JobStream, int]] = {}
        self._grammars: GrammarCompiler | None = None
        self._reported: list[tuple[Job, Update]] = []
        self._thread = threading.Thread(target=self._work, name=f"engine of {name}", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to work on jobs; streams are read in `loop`."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after its present step."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    @functools.cached_property
    def names_of_special(self) -> dict[int, str]:
        """Names of the tokens that add no text."""
        return {id: name for name, id in self.loaded.tokenizer.special.items()}

    async def grammar(self, schema: Mapping[str, Any]) -> TokenGrammar:
        """Return the grammar of a JSON schema, compiled in another thread. InputError if it cannot be compiled."""
        async with self._compiling:
            if self._grammars is None:
                self._grammars = await asyncio.to_thread(GrammarCompiler, self.loaded)
            return await asyncio.to_thread(self._grammars.json_schema, schema)

    @property
    def answer_prefix(self) -> str:
        """Return the text that the model generates before the answer proper to a conversation."""
        return self.chats.answer_prefix if self.chats else ""

    @property
    def open_jobs(self) -> int:
        """Return the number of answers that are made, or wait."""
        return len(self._streams)

    @property
    def most_jobs(self) -> int:
        """Most jobs that an idle model takes at once."""
        return self._most_waiting + self.engine.rows

    def has_room(self, jobs: int) -> bool:
        """Whether so many more jobs may be submitted."""
        return len(self._streams) + jobs <= self.most_jobs

    def seconds_to_wait(self) -> int:
        """Return after how many seconds there may be room again, at least 1."""
        return max(1, min(60, round(self.engine.waiting * self.engine.seconds_per_job)))

    def begin(self, jobs: Sequence[Job]) -> "JobStream":
        """Submit jobs, for which there is room, and return the stream of their updates."""
        stream = JobStream(self, jobs)
        if self.failed:  # since the model was found
            stream.fail(ENGINE_ENDED)
            return stream
        for number, job in enumerate(jobs):
            self._streams[job] = (stream, number)
            self.engine.submit(job, functools.partial(self._report, job))
        self._wake.set()
        return stream

    def end(self, jobs: Sequence[Job]) -> None:
        """Cancel those of the jobs that are not done."""
        for job in jobs:
            if self._streams.pop(job, None) is not None:
                self.engine.cancel(job)
        self._wake.set()

    def chat_ids(self, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]]) -> list[int]:
        """Return the ids of a conversation up to where the answer begins.

        ApiError if there is no template, or it does not read tools; InputError if it refuses the conversation.
        """
        if self.chats is None:
            raise ApiError(400, f"the model {self.name!r} has no chat template; use /v1/completions", param="model")
        if tools and "tools" not in self.chats.template.source:
            message = f"tools: the chat template of {self.name} does not read them; leave the field out"
            raise ApiError(400, message, param="tools")
        try:
            turns = [message_of(message) for message in messages]
            read = tools_of({"tools": [*tools]})
        except ValueError as error:
            raise InputError(f"messages: {error}") from error
        return self.chats.ids(turns, read)

    def _work(self) -> None:
        try:
            while not self._stopping:
                if not self.engine.step():
                    self._wake.wait()
                    self._wake.clear()
                self._deliver()
        except Exception:
            _log.exception(
                "the engine of %s ended with an error; its requests fail until the server is restarted", self.name
            )
            self.failed = True
            self._call(self.fail_all, ENGINE_ENDED)

    def _report(self, job: Job, update: Update) -> None:
        self._reported.append((job, update))

    def _deliver(self) -> None:
        if self._reported:
            reported, self._reported = self._reported, []
            self._call(self._hand_over, reported)

    def _call(self, function: Any, *values: Any) -> None:
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *values)

    def _hand_over(self, reported: Sequence[tuple[Job, Update]]) -> None:
        for job, update in reported:
            if job in self._streams:
                stream, number = self._streams.pop(job) if update.done else self._streams[job]
                stream.put(number, update)

    def fail_all(self, answer: ApiError) -> None:
        """End all answers that are being made, or wait, with an error."""
        for stream in {stream for stream, _ in self._streams.values()}:
            stream.fail(answer)


class JobStream:
    """Updates of the jobs of one request, as they come."""

    def __init__(self, served: ServedModel, jobs: Sequence[Job]) -> None:
        self._served, self._jobs, self._unfinished = served, jobs, len(jobs)
        self._queue: asyncio.Queue[tuple[int, Update] | ApiError] = asyncio.Queue()

    def put(self, number: int, update: Update) -> None:
        """Add an update of the job with this number."""
        self._queue.put_nowait((number, update))

    def fail(self, answer: ApiError) -> None:
        """Let the reader know that there will be no more updates, and why."""
        self._queue.put_nowait(answer)

    async def updates(self) -> AsyncGenerator[tuple[int, Update]]:
        """Yield (number of the job, update) until all jobs are done.

        Raises:
            AnswerFailed: the engine or a job ended with an error, or the server stops.
        """
        while self._unfinished:
            item = await self._queue.get()
            if isinstance(item, ApiError):
                raise AnswerFailed(item)
            if item[1].failed:
                raise AnswerFailed(JOB_ENDED)
            self._unfinished -= item[1].done
            yield item

    def close(self) -> None:
        """Cancel the jobs that are not done."""
        self._served.end(self._jobs)
