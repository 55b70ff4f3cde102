"""Sample of a mixture's text to train a tokenizer on."""

from collections.abc import Iterator, Sequence

from tanuki_jax.config.mixture import Mixture
from tanuki_jax.corpus.records.types import Malformed, Unused
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.preparation.work_units import rows_of, text_of

MOST_UNITS = 1_000
"""Most units of a source that are read."""


def sample(mixture: Mixture, inventories: Sequence[Inventory], budget: int) -> Iterator[str]:
    """Yield texts of all sources that are trained on, at most `budget` bytes of UTF-8, the same for the same files.

    Each source has a share of the budget in proportion to its weight (the mean over the stages); bytes that it cannot
    fill are not used. The texts are read from the beginnings of units all over the source; the last of each is cut.
    """
    of_budget = shares(mixture)
    for inventory in inventories:
        if share := of_budget[inventory.name]:
            yield from _texts(inventory, budget * share)


def shares(mixture: Mixture) -> dict[str, float]:
    """Return source -> share of the budget."""
    found = dict.fromkeys((source.name for source in mixture.sources), 0.0)
    for stage in mixture.stages:
        total = sum(stage.weights.values()) * len(mixture.stages)
        for name, weight in stage.weights.items():
            found[name] += weight / total
    return found


def _texts(inventory: Inventory, budget: float) -> Iterator[str]:
    units = inventory.units[:: -(-len(inventory.units) // MOST_UNITS)]
    work = sum(unit.work for unit in units)
    for unit in units:
        left = int(budget * unit.work / work)
        for row in rows_of(unit, inventory.source.form, []):
            if left <= 0:
                break
            if not isinstance(row.record, Malformed | Unused):
                text = text_of(row.record).encode()[:left]
                left -= len(text)
                yield text.decode(errors="ignore")
