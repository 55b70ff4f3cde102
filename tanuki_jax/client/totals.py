"""Counts over all answers of an endpoint: attempts, tokens, cost."""

import collections
import dataclasses
from collections.abc import Iterable

from tanuki_jax.client.answers import Usage
from tanuki_jax.config.endpoints import Endpoint


@dataclasses.dataclass
class Totals:
    """Counts of one endpoint, or of several together."""

    outcomes: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    """Number of attempts by their outcome."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    """Price of the tokens, in the unit of the endpoints' prices."""

    @property
    def answers(self) -> int:
        """Return the number of answers."""
        return self.outcomes["answered"]

    @property
    def attempts(self) -> int:
        """Return the number of attempts."""
        return self.outcomes.total()

    def add(self, endpoint: Endpoint, usage: Usage) -> None:
        """Add the tokens of an answer. Those of attempts without a complete answer are not known."""
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.cost += (usage.input_tokens * endpoint.input_price + usage.output_tokens * endpoint.output_price) / 1e6

    @classmethod
    def sum(cls, parts: Iterable["Totals"]) -> "Totals":
        """Return the totals of several endpoints together."""
        result = cls()
        for part in parts:
            result.outcomes.update(part.outcomes)
            result.input_tokens += part.input_tokens
            result.output_tokens += part.output_tokens
            result.cost += part.cost
        return result
