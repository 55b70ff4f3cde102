"""A model that is served: its engine in a thread of its own, and jobs as streams of updates."""

import asyncio
import functools
import logging
import threading
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat import template_files
from tanuki_jax.corpus.chat.template import Template
from tanuki_jax.corpus.records.turns import message_of, tools_of
from tanuki_jax.data.tokenizer.chat_tokens import before_answer, encode_chat, ends_of_turn
from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.grammar import GrammarCompiler
from tanuki_jax.inference.engine.job import Job, Update
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.server.errors import EngineFailed

_log = logging.getLogger(__name__)


class ServedModel:
    """A model under its name.

    Attributes:
        name: what requests call it.
        loaded: model and tokenizer.
        engine: what makes the tokens.
        template: chat template; None if the tokenizer has none that fits it.
        failed: whether the engine has ended with an error.
    """

    def __init__(self, name: str, loaded: LoadedModel, engine: Engine, *, most_waiting: int) -> None:
        self.name, self.loaded, self.engine, self._most_waiting = name, loaded, engine, most_waiting
        self.template, self.why_no_template = _template_of(loaded)
        self.answer_prefix = before_answer(loaded.tokenizer, self.template) if self.template else ""
        self.failed = False
        self._wake, self._stopping = threading.Event(), False
        self._jobs: dict[Job, asyncio.Queue[Update | None]] = {}
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

    @functools.cached_property
    def grammars(self) -> GrammarCompiler:
        """Compiler of grammars, made when it is first needed."""
        return GrammarCompiler(self.loaded)

    def has_room(self, jobs: int) -> bool:
        """Whether so many more jobs may wait. One request, however many jobs it has, always fits into an empty
        queue."""
        waiting = self.engine.waiting
        return not waiting or waiting + jobs <= self._most_waiting

    def seconds_to_wait(self) -> int:
        """Return after how many seconds there may be room again, at least 1."""
        return max(1, min(60, round(self.engine.waiting * self.engine.seconds_per_job)))

    async def updates(self, job: Job) -> AsyncGenerator[Update]:
        """Submit a job and yield its updates. Closing the generator, or cancelling it, cancels the job.

        Raises:
            EngineFailed: the engine ended with an error, now or before.
        """
        if self.failed:
            raise EngineFailed
        queue: asyncio.Queue[Update | None] = asyncio.Queue()
        self._jobs[job] = queue
        try:
            self.engine.submit(job, lambda update: self._reported.append((job, update)))
            self._wake.set()
            while True:
                update = await queue.get()
                if update is None:
                    raise EngineFailed
                yield update
                if update.done:
                    return
        finally:
            if self._jobs.pop(job, None) is not None:
                self.engine.cancel(job)
                self._wake.set()

    def chat_ids(self, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]]) -> list[int]:
        """Return the ids of a conversation up to where the answer begins.

        InputError if there is no template, or it refuses the conversation.
        """
        if self.template is None:
            raise InputError(f"the model {self.name!r} cannot chat: {self.why_no_template}; use /v1/completions")
        try:
            turns = [message_of(message) for message in messages]
            read = tools_of({"tools": [*tools]})
        except ValueError as error:
            raise InputError(f"messages: {error}") from error
        return encode_chat(self.loaded.tokenizer, self.template, turns, prompt=True, tools=read).ids.tolist()

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
            self._call(self._fail_all)

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
            queue = self._jobs.get(job)
            if queue is not None:
                if update.done:
                    del self._jobs[job]  # nothing is left to cancel
                queue.put_nowait(update)

    def _fail_all(self) -> None:
        for queue in self._jobs.values():
            queue.put_nowait(None)


def _template_of(loaded: LoadedModel) -> tuple[Template | None, str]:
    """Return the chat template beside a tokenizer, or why there is none."""
    try:
        template = template_files.read(loaded.tokenizer_path)
        ends_of_turn(loaded.tokenizer, template)  # refuses a template of another tokenizer
    except InputError as error:
        return None, str(error)
    return template, ""
