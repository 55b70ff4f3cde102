"""Settings of finding evaluation items in a corpus."""

from dataclasses import dataclass
from typing import Annotated

from tanuki_jax.config.limits import Limits, PositiveInt


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Evaluation items, and how much of one makes a document contaminated."""

    paths: tuple[str, ...] = ()
    """Files or globs with evaluation items, JSON lines, JSON or Parquet; empty: nothing is looked for."""
    fields: tuple[str, ...] = ()
    """Fields whose texts are items, each by itself; empty: every text of a row."""
    gram: PositiveInt = 20
    """Length in characters, without white space, of the n-grams by which items are found."""
    shortest: PositiveInt = 10
    """Least number of characters, without white space, of an item. One shorter than `gram` must be a sentence, and
    occur as it is."""
    overlap: Annotated[float, Limits(above=0, at_most=1)] = 0.5
    """Share of an item's n-grams that a document with the item must have."""
    common: PositiveInt = 10
    """Number of documents without the item from which an n-gram is common, and no evidence of it."""
    dropped_from: Annotated[float, Limits(above=0, at_most=1)] = 0.5
    """Share of a document's characters that items must cover for it to be dropped; else their sentences are cut."""
