"""Ways to read a file in tests."""

from pathlib import Path

from tanuki_jax.config.mixture import Form
from tanuki_jax.corpus.records.files import InputFile, Slice
from tanuki_jax.corpus.records.read import Row, read, split
from tanuki_jax.corpus.records.types import Malformed, Record, Unused


def in_one_slice(path: Path) -> list[Row]:
    return list(read(Slice(str(path), 0, path.stat().st_size), text_field="text"))


def records(path: Path, form: Form = "text") -> list[Record | Malformed | Unused]:
    return [row.record for row in read(Slice(str(path), 0, path.stat().st_size), text_field="text", form=form)]


def in_slices(path: Path, bytes_per_slice: int) -> list[Row]:
    """Read all slices, and number their rows from the beginning of the file."""
    rows: list[Row] = []
    before = 0
    for part in split(InputFile(str(path), path.stat().st_size), bytes_per_slice):
        reader = read(part, text_field="text")
        rows.extend(Row(before + row.row, row.record) for row in reader)
        before += reader.rows_read
    return rows
