"""Records by rule, for the tests of the families and of the recipe."""

from collections.abc import Iterator

from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.recipes.by_rule import ByRule, records


def conversations(recipe: ByRule, count: int, seed: int) -> Iterator[Conversation]:
    """Yield the records of a run by rule."""
    for record in records(recipe, count, seed):
        assert isinstance(record, Conversation)
        yield record
