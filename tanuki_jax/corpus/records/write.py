"""Records to files that `tanuki_jax.corpus.records.read` reads."""

from collections.abc import Iterable
from pathlib import Path

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.formats.by_suffix import FORMATS
from tanuki_jax.corpus.records.types import Record


def write(path: Path, records: Iterable[Record]) -> None:
    """Write records in the format of the file's suffix; the file appears under its name only when it is complete.

    Each line or row has the fields of its record (`id`, `text`, ...); messages are {role, content}. Metadata values
    that JSON cannot hold are written as their `str`, and numbers that are not finite as null. InputError if no format
    of that suffix is written, and for records of different types in one Parquet file.
    """
    format = next((format for suffix, format in FORMATS.items() if path.name.endswith(suffix)), None)
    if format is None or format.write is None:
        suffixes = ", ".join(suffix for suffix, other in FORMATS.items() if other.write)
        raise InputError(f"{path} cannot be written: no format has this suffix; use one of {suffixes}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        format.write(partial, records)
