"""The independent solver of school problems: all readers together."""

from tests.corpus.tasks.school import (
    read_calculation,
    read_chance,
    read_dates,
    read_shapes,
    read_tables,
    read_texts,
    read_units,
)
from tests.corpus.tasks.school.reading import answer, has_requested_unit, is_right, stated

READERS = (read_tables, read_texts, read_dates, read_units, read_shapes, read_chance, read_calculation)
__all__ = ["READERS", "answer", "has_requested_unit", "is_right", "stated"]
