"""Sizes to which a row group of a Parquet file unpacks, found before it is read."""

import pyarrow as pa
import pyarrow.parquet as pq

from tanuki_jax.corpus.records.files import LONGEST_RECORD

_BUDGET = 1 << 30
"""Bytes that the rows which are read at once may take."""
_TIMES = 1_000
"""Times its stored size to which no column of a corpus unpacks; zstd reaches 30,000."""
_HEADER = 64
"""Bytes in which the sizes of a page are, at the beginning of its header."""


def unpacks_to_too_much(group: pq.RowGroupMetaData) -> str:
    """Return a sentence if a column of a row group is a decompression bomb; empty: none is."""
    for index in range(group.num_columns):
        column = group.column(index)
        size, stored = column.total_uncompressed_size, max(column.total_compressed_size, 1)
        if size > LONGEST_RECORD and size > _TIMES * stored:
            return f"the column {column.path_in_schema} unpacks {stored:,} bytes to {size:,}"
    return ""


def rows_at_once(file: pa.NativeFile, group: pq.RowGroupMetaData) -> int:
    """Return how many rows of a row group can be read at once, at least 1.

    A value of a dictionary is stored once and unpacked for each row that has it, so no row counts as smaller than the
    largest dictionary.
    """
    largest = max((_dictionary_bytes(file, group.column(index)) for index in range(group.num_columns)), default=0)
    mean = group.total_byte_size // max(group.num_rows, 1)
    return max(1, _BUDGET // max(largest, mean, 1))


def _dictionary_bytes(file: pa.NativeFile, column: pq.ColumnChunkMetaData) -> int:
    """Return the size of a column's dictionary; 0: it has none.

    Its page begins with a header in Thrift's compact protocol, whose first two fields, the kind of the page and its
    uncompressed size, are numbers (https://github.com/apache/parquet-format, PageHeader).
    """
    if not column.has_dictionary_page or column.dictionary_page_offset is None:
        return 0
    header = file.read_at(_HEADER, column.dictionary_page_offset)
    first, _, place = _field(header, 0)
    second, size, _ = _field(header, place)
    return size if (first, second) == (0x15, 0x15) else 0


def _field(data: bytes, place: int) -> tuple[int, int, int]:
    """Return (byte before it, value, place behind it) of a number of a Thrift struct."""
    kind, value, shift = data[place], 0, 0
    for behind, byte in enumerate(data[place + 1 :], start=place + 2):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return kind, value >> 1 ^ -(value & 1), behind
    return 0, 0, len(data)
