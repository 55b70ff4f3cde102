"""Files that end in .json: JSON lines, if they are that; one value over several lines is refused by name."""

from collections.abc import Iterator

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import Slice
from tanuki_jax.corpus.records.formats import json_lines
from tanuki_jax.corpus.records.formats.file_format import Fields
from tanuki_jax.corpus.records.types import Malformed


def rows(slice: Slice) -> Iterator[tuple[int, Fields | Malformed | None]]:
    """Yield (byte, fields) of each line. InputError if the first line that is not blank holds no whole object."""
    for number, (offset, fields) in enumerate(json_lines.rows(slice)):
        if isinstance(fields, Malformed) and number == 0:
            raise InputError(
                f"{slice.path} is not one JSON object a line ({fields.reason}); write it so, as "
                f"`jq -c '.[]' {slice.path}` does with a list, into a file that ends in .jsonl"
            )
        yield offset, fields
