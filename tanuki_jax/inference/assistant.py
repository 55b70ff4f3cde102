"""Answers in conversations."""

from collections.abc import Generator, Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.truncation import truncated
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.inference.answer_prefix import PrefixRemoval
from tanuki_jax.inference.chat_prompts import ChatPrompts
from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.job import Job, Sampling, Update
from tanuki_jax.inference.engine.run_jobs import engine_for, run_jobs, updates
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.text import jobs_for
from tanuki_jax.inference.text_deltas import Completion


class Assistant:
    """A model that answers conversations.

    Attributes:
        prompts: conversations as prompts.
    """

    def __init__(self, loaded: LoadedModel, sampling: Sampling, *, rows: int = 1) -> None:
        """
        Args:
            loaded: the model.
            sampling: options of the answers.
            rows: most conversations that are answered at once.

        Raises:
            InputError: there is no chat template beside the tokenizer, or one of another tokenizer.
        """
        self._loaded, self._sampling = loaded, sampling
        self.prompts = ChatPrompts(loaded)
        self._rows = rows
        self._engine: Engine | None = None

    def answers(self, conversations: Sequence[Sequence[Message]]) -> list[Completion]:
        """Return the answer to each conversation. Raise InputError if one is too long."""
        jobs = jobs_for(self._loaded, [self.prompts.ids(messages) for messages in conversations], self._sampling)
        completions = run_jobs(self._engine_for(jobs), jobs)
        return [each._replace(text=each.text.removeprefix(self.prompts.answer_prefix)) for each in completions]

    def stream(self, messages: Sequence[Message]) -> Generator[Update]:
        """Yield the answer to a conversation bit by bit. Raise InputError if the conversation is too long."""
        removal = PrefixRemoval(self.prompts.answer_prefix)
        jobs = jobs_for(self._loaded, [self.prompts.ids(messages)], self._sampling)
        for _, update in updates(self._engine_for(jobs), jobs):
            yield removal.rest(update)

    def _engine_for(self, jobs: Sequence[Job]) -> Engine:
        """Return an engine for jobs: the last one, unless it is too small for the longest."""
        longest = max(len(job.prompt) + job.tokens for job in jobs)
        if self._engine is None or self._engine.longest < longest:
            self._engine = engine_for(self._loaded, jobs, rows=self._rows)
        return self._engine

    def truncated(self, messages: Sequence[Message]) -> list[Message]:
        """Return the conversation without its oldest exchanges, so that an answer fits behind it.

        Raise InputError if the last exchange alone is too long.
        """
        limit, ids = self._loaded.limit, self.prompts.ids
        reserved = min(self._sampling.tokens, limit // 4)
        kept = truncated(messages, lambda part: len(ids(part)) + reserved <= limit, keep="end")
        if kept is None:
            raise InputError(
                f"the message is too long: the model is made for texts of {limit} tokens, "
                f"{reserved} of which are reserved for the answer"
            )
        return list(kept)
