"""Score documents by the answers of a language model, and drop those it says no to."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.endpoints import Endpoint
from tanuki_jax.config.limits import Limits, PositiveFloat, PositiveInt
from tanuki_jax.corpus.cleaning.draft import OUTSIDE_KEY, Draft

_NAME = "judge"
_LEAST_JUDGED = 8
"""Number of documents of which at least one must be judged, or the fault is not theirs."""
_UNREACHABLE_SECONDS = 5.0
"""Seconds after which it is an error that no server is at the address, before the first batch."""
_PROMPT = """Here is a text:

{text}

{question} Answer with one word, yes or no."""


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Score documents by the probability that a model answers yes to a question, and drop those below a threshold.

    Ask-LLM (Sachdeva et al., 2024) scores so, by the log-probabilities of the first word of the answer; from an
    endpoint that does not give them, several answers are drawn, and the share of yes is the score. The model must
    answer at once: turn its thinking off. A document to which it gives no answer of yes or no is set aside, as every
    record on which a rule fails; an endpoint that cannot be reached ends the run, which goes on when it is started
    again. Put it behind the rules that cost less.
    """

    url: str = dataclasses.field(default="", metadata=OUTSIDE_KEY)
    """Address of an OpenAI-compatible endpoint, as the machines see it on which the tasks run."""
    model: str = ""
    """Name of the endpoint's model."""
    question: str = "Is this text well written, and does a reader learn something from it?"
    """Question about a text that can be answered by yes or no, or path of a text file with one."""
    threshold: Annotated[float, Limits(at_least=0, at_most=1)] = 0.5
    """Least score of a document that is kept; 0: score only."""
    answers: PositiveInt = 8
    """Number of answers that are drawn where the endpoint gives no log-probabilities."""
    characters: PositiveInt = 3_000
    """Number of characters at the beginning of a document that the model is shown."""
    concurrency: PositiveInt = dataclasses.field(default=64, metadata=OUTSIDE_KEY)
    """Most requests in flight, of each process."""
    patience: PositiveFloat = dataclasses.field(default=900.0, metadata=OUTSIDE_KEY)
    """Seconds for which the endpoint may give no answer before the run ends."""
    key_variable: str = dataclasses.field(default="", metadata=OUTSIDE_KEY)
    """Environment variable that holds the API key; empty: the endpoint wants none."""

    @property
    def batch(self) -> int:
        """Return how many documents are asked about at once."""
        return 4 * self.concurrency

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it. ValueError if the model does not say yes or no."""
        [verdict] = self._judged([draft], unreachable_seconds=min(_UNREACHABLE_SECONDS, self.patience))
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    def apply_batch(self, drafts: Sequence[Draft]) -> list[str | Exception]:
        """Return for each document the reason to drop it, or the error for which it is set aside.

        Raises:
            CommandError: no endpoint is named, or it cannot be used, or it judges none of many documents.
        """
        return self._judged(drafts, unreachable_seconds=self.patience)

    def _judged(self, drafts: Sequence[Draft], unreachable_seconds: float) -> list[str | Exception]:
        if not (self.url and self.model):
            raise InputError("judge.url and judge.model name no endpoint and model; set both, or leave the rule out")
        from tanuki_jax.corpus.cleaning.yes_or_no import probabilities_of_yes  # asyncio takes a tenth of a second

        endpoint = Endpoint(
            url=self.url, model=self.model, key_variable=self.key_variable, concurrency=self.concurrency
        )
        question = _question(self.question)
        prompts = [_PROMPT.format(text=draft.text[: self.characters], question=question) for draft in drafts]
        different = list(dict.fromkeys(prompts))  # crawls have copies
        found = probabilities_of_yes(
            endpoint,
            different,
            answers=self.answers,
            patience=self.patience,
            unreachable_seconds=unreachable_seconds,
        )
        score_of = dict(zip(different, found, strict=True))
        scores = [score_of[prompt] for prompt in prompts]
        errors = [score for score in scores if isinstance(score, ValueError)]
        if len(errors) == len(drafts) >= _LEAST_JUDGED:
            raise InputError(f"{self.url} judges none of {len(drafts)} documents; of one it says: {errors[0]!s:.200}")
        return [self._verdict(draft, score) for draft, score in zip(drafts, scores, strict=True)]

    def _verdict(self, draft: Draft, score: float | ValueError) -> str | Exception:
        if isinstance(score, ValueError):
            return score
        draft.scores[_NAME] = score
        return "" if draft.within("probability of yes", score, least=self.threshold) else "the judge says no"


def _question(question: str) -> str:
    """Return the question, which may be in a file. InputError if the file cannot be read."""
    try:
        return Path(question).read_text("utf-8").strip() if os.path.isfile(question) else question
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the question of the judge, {question}, cannot be read: {error}") from None
