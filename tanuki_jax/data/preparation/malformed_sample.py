"""Look at some rows of every source before a tokenizer is trained on them: a wrong field spoils most rows."""

import itertools
import math
from collections.abc import Iterator, Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Malformed
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.preparation.work_units import Row, rows_of

UNITS, ROWS = 10, 200
"""Units of a source that are looked at, evenly spaced, and the rows at the beginning of each."""
SURE = 4.0
"""Standard deviations by which the malformed rows of a sample must exceed the share that is allowed."""


def check_sample(inventories: Sequence[Inventory], malformed_share: float) -> None:
    """Raise InputError if a source surely has more malformed rows than `malformed_share` of all."""
    for inventory in inventories:
        rows = list(_sample(inventory))
        bad = [row.record for row in rows if isinstance(row.record, Malformed)]
        if len(bad) - SURE * math.sqrt(len(bad)) > malformed_share * len(rows):
            raise InputError(
                f"{len(bad):,} of the first {len(rows):,} records of {inventory.name} that were looked at are "
                f"malformed, more than data.malformed_share ({malformed_share:g}) allows; the first: {bad[0].reason}"
            )


def _sample(inventory: Inventory) -> Iterator[Row]:
    for unit in inventory.units[:: -(-len(inventory.units) // UNITS)]:
        yield from itertools.islice(rows_of(unit, inventory.source.form, []), ROWS)
