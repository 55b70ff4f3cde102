"""The table of file formats: a new format is one file beside this one and one row here."""

from collections.abc import Mapping

from tanuki_jax.corpus.records.formats import json_lines, parquet, plain_text
from tanuki_jax.corpus.records.formats.file_format import FileFormat

FORMATS: Mapping[str, FileFormat] = {
    ".jsonl": FileFormat(json_lines.rows, split=json_lines.split, write=json_lines.write),
    ".jsonl.gz": FileFormat(json_lines.rows),
    ".jsonl.zst": FileFormat(json_lines.rows, write=json_lines.write_zstd),
    ".json.gz": FileFormat(json_lines.rows),
    ".json.zst": FileFormat(json_lines.rows),
    ".parquet": FileFormat(parquet.rows, split=parquet.split, write=parquet.write),
}
"""Suffix -> format."""
PLAIN_TEXT = FileFormat(plain_text.rows)
"""The format of every other file: one document."""


def format_of(path: str) -> FileFormat:
    """Return the format of a file by its suffix, in upper or lower case."""
    name = path.lower()
    return next((format for suffix, format in FORMATS.items() if name.endswith(suffix)), PLAIN_TEXT)
