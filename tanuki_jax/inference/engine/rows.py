"""Rows of an engine: jobs that have pages, and how far each has come."""

import dataclasses
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tanuki_jax.inference.engine.job import Job, Scored, Update
from tanuki_jax.inference.engine.pages import Allocation
from tanuki_jax.inference.engine.programs import NO_PENALTIES, Row, Scores
from tanuki_jax.inference.text_deltas import RowText

type Report = Callable[[Update], None]
"""Called with what is new about a job."""


@dataclasses.dataclass(eq=False)
class ActiveRow:
    """A job that has pages."""

    job: Job
    report: Report
    allocation: Allocation
    table: npt.NDArray[np.int32]
    """int32[P], pages of the row; 0 behind them."""
    text: RowText
    ids: list[int]
    """Tokens of the prompt and after it."""
    read: int
    """Tokens that are in the cache, or shared by another row's pages."""
    prompt_scores: list[Scored] = dataclasses.field(default_factory=list)
    states_sum: npt.NDArray[np.float32] | None = None
    began_at: float = dataclasses.field(default_factory=time.monotonic)
    """Monotonic time when the job got its pages, in seconds."""

    @property
    def to_read(self) -> int:
        """Return how many tokens of the prompt are read before the row is decoded or done.

        The last token of a prompt is the first that is decoded, so that one program chooses all new tokens.
        """
        return len(self.job.prompt) - (0 if self.job.embed else 1)

    @property
    def reading(self) -> bool:
        """Whether a part of the prompt is still to be read."""
        return self.read < self.to_read

    @property
    def left(self) -> int:
        """Most tokens still to come."""
        return len(self.job.prompt) + self.job.tokens - len(self.ids)

    def as_program_row(self) -> Row:
        """Return what programs need to know of a row that is decoded."""
        job = self.job
        return Row(
            token=self.ids[-1],
            position=len(self.ids) - 1,
            left=self.left,
            seed=job.seed,
            choice=job.choice,
            top_k=job.top_k,
            temperature=job.temperature,
            top_p=job.top_p,
            min_p=job.min_p,
            table=self.table,
            penalties=job.penalties,
            prompt=len(job.prompt),
            ids=self.ids if job.penalties != NO_PENALTIES else (),
        )

    def bias(self, vocabulary: int) -> npt.NDArray[np.float32]:
        """Return what is added to the logits of the next token, float32[V]; -inf where its grammar allows none."""
        bias = np.zeros(vocabulary, np.float32)
        for token, summand in self.job.bias.items():
            bias[token] += summand
        if self.job.grammar is not None:
            allowed = self.job.grammar.allowed()
            bias[: len(allowed)][~allowed] = -np.inf
        return bias


def scored(scores: Scores, tokens: list[int]) -> list[Scored]:
    """Return arrays of scores, place by place."""
    parts = (part.tolist() for part in scores)
    return [
        Scored(token, logprob, tuple(top), tuple(logprobs))
        for token, logprob, top, logprobs in zip(tokens, *parts, strict=True)
    ]
