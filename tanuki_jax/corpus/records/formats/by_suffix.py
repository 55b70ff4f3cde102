"""The table of file formats: a new format is one file beside this one and one row here."""

from collections.abc import Mapping

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.formats import json_lines, one_json, parquet, plain_text, warc, wikipedia
from tanuki_jax.corpus.records.formats.file_format import FileFormat

FORMATS: Mapping[str, FileFormat] = {
    ".jsonl": FileFormat(json_lines.rows, split=json_lines.split, write=json_lines.write),
    ".jsonl.gz": FileFormat(json_lines.rows),
    ".jsonl.zst": FileFormat(json_lines.rows, write=json_lines.write_zstd),
    ".ndjson": FileFormat(json_lines.rows, split=json_lines.split),
    ".ndjson.gz": FileFormat(json_lines.rows),
    ".ndjson.zst": FileFormat(json_lines.rows),
    ".jsonlines": FileFormat(json_lines.rows, split=json_lines.split),
    ".json": FileFormat(one_json.rows),
    ".json.gz": FileFormat(one_json.rows),
    ".json.zst": FileFormat(one_json.rows),
    ".parquet": FileFormat(parquet.rows, parquet.rows, split=parquet.split, write=parquet.write),
    ".warc": FileFormat(warc.rows),
    ".warc.gz": FileFormat(warc.rows),
    ".wet": FileFormat(warc.rows),
    ".wet.gz": FileFormat(warc.rows),
    ".xml": FileFormat(wikipedia.rows),
    ".xml.bz2": FileFormat(wikipedia.rows),
}
"""Suffix -> format."""
PLAIN_TEXT = FileFormat(plain_text.rows)
"""The format of every other file: one document."""


_NO_TEXT = {
    "a table": (".csv", ".tsv", ".xls", ".xlsx", ".arrow", ".feather", ".orc", ".avro", ".db", ".sqlite"),
    "an archive": (".zip", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz", ".lz4"),
    "binary": (".pdf", ".docx", ".npy", ".npz", ".pkl", ".pt", ".bin", ".safetensors", ".png", ".jpg", ".mp3", ".mp4"),
}
"""Kind of file -> suffixes, which would not be one document if they were read as text."""


def format_of(path: str) -> FileFormat:
    """Return the format of a file by its suffix, in upper or lower case. InputError for one that is no text."""
    name = path.lower()
    for suffix, format in FORMATS.items():
        if name.endswith(suffix):
            return format
    stem = name.removesuffix(".gz").removesuffix(".zst")
    for kind, suffixes in _NO_TEXT.items():
        if stem.endswith(suffixes):
            readable = ", ".join([*list(FORMATS)[:3], ".parquet"])
            raise InputError(f"{path} is {kind} by its name, and not read: convert it to {readable}")
    return PLAIN_TEXT
