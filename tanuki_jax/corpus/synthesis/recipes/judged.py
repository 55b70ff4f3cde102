"""Scores of answers from 1 to 5: what a judge expects, by the probabilities of the digits."""

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Annotated, Any, ClassVar, Literal

from tanuki_jax.config.limits import Limits
from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.exchange import last_exchange
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Language, Recipe, Sampling

LEAST_MASS = 0.5
"""Least probability of the five digits together; with less, the judge means to write something else."""
ONE_TOKEN = Sampling(temperature=0, max_tokens=1)
"""Settings for a score: the first token alone."""
_SCORES = ("1", "2", "3", "4", "5")


@dataclass(frozen=True, kw_only=True)
class Judged(Recipe):
    """Conversations as they are, with a judge's score of the last answer in their metadata (`score`)."""

    reads: ClassVar[Literal["conversations"]] = "conversations"

    language: Language = "ja"
    """Language of the conversations."""
    least_score: Annotated[float, Limits(at_least=1, at_most=5)] = 1.0
    """Least score of a conversation that is kept."""

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the request for one score."""
        turns, question, answer = last_exchange(item.record)
        reply = yield Ask(
            template=f"judged/score.{self.language}.jinja",
            values={"turns": turns, "question": question, "answer": answer},
            sampling=ONE_TOKEN,
            log_probabilities=True,
            by="judge",
        )
        score = expected_score(reply.raw)
        if score < self.least_score:
            raise Dropped("the score is too low")
        assert isinstance(item.record, Conversation)
        choices = {"recipe": "judged", "language": self.language, "score": score, "parents": [item.record.id]}
        record = replace(item.record, id=item.key, metadata={**item.record.metadata, **choices})
        return Made(record=record, written=answer)


def expected_score(raw: Mapping[str, Any]) -> float:
    """Return the mean of 1 to 5 by the probabilities of the digits as the first token of an answer.

    Args:
        raw: JSON of a chat completion with `logprobs`.

    Raises:
        Dropped: there are no log-probabilities, or the digits have little of the probability.
    """
    masses = dict.fromkeys(_SCORES, 0.0)
    for token, probability in _first_token(raw).items():
        if (digit := unicodedata.normalize("NFKC", token).strip(" ▁Ġ\n")) in masses:
            masses[digit] += probability
    total = math.fsum(masses.values())
    if total < LEAST_MASS:
        raise Dropped("the judge gives no score")
    return math.fsum(int(digit) * mass for digit, mass in masses.items()) / total


def _first_token(raw: Mapping[str, Any]) -> dict[str, float]:
    """Return the first token of an answer and its alternatives, with their probabilities."""
    try:
        first = raw["choices"][0]["logprobs"]["content"][0]
        rows = [first, *(first.get("top_logprobs") or ())]
        return {str(row["token"]): math.exp(min(float(row["logprob"]), 0.0)) for row in rows}
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise Dropped("the judge gives no log-probabilities") from None
