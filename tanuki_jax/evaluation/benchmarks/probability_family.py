"""The four questions on probability with other numbers, drawn by a seed, so that no model has met them."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from tanuki_jax.config.limits import PositiveInt, Seed
from tanuki_jax.corpus.tasks.dice_probes import ChanceQuestion, probe_questions
from tanuki_jax.evaluation.benchmarks.chance_probe import ChanceProbe


@dataclass(frozen=True, kw_only=True)
class ProbabilityFamily(ChanceProbe):
    """Sets of the four questions with other numbers; 2, 2a and 2b of a set ask for one event."""

    title = "Probability, the four questions with other numbers"
    samples: PositiveInt = 1
    """Number of answers to each question."""
    count: PositiveInt = 25
    """Number of sets of four questions; at most all that there are, some hundreds."""
    seed: Seed = 0
    """Seed of the numbers in the questions."""

    @property
    def name(self) -> str:
        return "probability_family"

    def sets(self) -> Iterator[tuple[str, str, ChanceQuestion]]:
        for name, questions in itertools.islice(probe_questions(self.seed), self.count):
            for question in questions:
                id = f"{name}/{question.number}"
                # The three questions on one event are right or wrong together more often than by chance.
                yield id, name if question.event else id, question
