"""Files of JSON lines, plain or compressed."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from tanuki_jax.corpus.records.fields import fields_of, to_json
from tanuki_jax.corpus.records.files import (
    BYTE_ORDER_MARK,
    LONGEST_RECORD,
    LONGEST_SKIP,
    InputFile,
    Slice,
    compression_of,
    open_file,
    read_blocks,
)
from tanuki_jax.corpus.records.formats.file_format import Fields
from tanuki_jax.corpus.records.types import Malformed, Record

_BLOCK = 1 << 20
_NO_STOP = 1 << 62


def split(file: InputFile, bytes_per_slice: int) -> list[Slice]:
    """Cut an uncompressed file every `bytes_per_slice` bytes, wherever its lines begin."""
    return [
        Slice(file.path, start, min(start + bytes_per_slice, file.bytes))
        for start in range(0, file.bytes, bytes_per_slice)
    ]


def rows(
    slice: Slice, longest: int = LONGEST_RECORD, most: int = LONGEST_SKIP
) -> Iterator[tuple[int, Fields | Malformed | None]]:
    """Yield (byte in the decompressed file, fields) of each line that begins in the slice. A line of more than
    `longest` bytes is malformed. OSError if a line has more than `most`."""
    # A compressed file is one slice, whose `stop` counts compressed bytes: it is read to its end.
    plain = compression_of(slice.path) is None
    blocks = _blocks_from(slice) if plain else read_blocks(slice.path)
    for offset, line in _lines(blocks, slice.start, slice.stop if plain else _NO_STOP, longest, most):
        if isinstance(line, Malformed):
            yield offset, line
        else:
            yield offset, _fields_of_line(line.removeprefix(BYTE_ORDER_MARK) if offset == 0 else line)


def write(path: Path, records: Iterable[Record]) -> None:
    """Write one line for each record."""
    with path.open("wb") as file:
        file.writelines(_encoded(records))


def write_zstd(path: Path, records: Iterable[Record]) -> None:
    """Write one line for each record, compressed with zstd."""
    with pa.CompressedOutputStream(path, "zstd") as stream:
        for line in _encoded(records):
            stream.write(line)


def _encoded(records: Iterable[Record]) -> Iterator[bytes]:
    for record in records:
        yield (to_json(fields_of(record)) + "\n").encode()


def _blocks_from(slice: Slice) -> Iterator[bytes]:
    with open_file(slice.path) as file:
        if slice.start:
            file.seek(slice.start - 1)
        while block := file.read(_BLOCK):
            yield block


def _lines(
    blocks: Iterable[bytes], start: int, stop: int, longest: int, most: int
) -> Iterator[tuple[int, bytes | Malformed]]:
    """Yield offset and bytes of each line that begins in [start, stop). `blocks` are from byte max(start - 1, 0) on."""
    # Slices are cut at any byte, so `start` is mostly inside a line, which belongs to the slice in which it begins.
    # Reading therefore starts one byte early and skips up to the first newline. If the byte before `start` is a
    # newline, the skipped part is empty and the line at `start` is kept. For the same reason the last line is read
    # beyond `stop` to its end. So neighbours that never see each other share out every line exactly once, without
    # looking at the file when it is cut.
    pending: list[bytes] = []  # the parts of a line that ends in a later block, if it is not too long
    held = 0  # bytes of all its parts
    offset = max(start - 1, 0)
    owned = start == 0
    too_long = Malformed(f"a line of more than {longest} bytes")
    for block in blocks:
        *complete, rest = block.split(b"\n")
        for line in complete:
            held += len(line)
            if owned and held > longest:
                yield offset, too_long
            elif owned:
                yield offset, b"".join([*pending, line]) if pending else line
            pending.clear()
            owned = True
            offset += held + 1
            held = 0
            if offset >= stop:
                return
        held += len(rest)
        pending.append(rest)
        if held > longest:
            pending.clear()
        if held > most:
            raise OSError(f"the line at byte {offset} has more than {most} bytes")
    if owned and held:
        yield offset, too_long if held > longest else b"".join(pending)


def _fields_of_line(line: bytes) -> Fields | Malformed | None:
    if not line or line.isspace():
        return None
    try:
        text = line.decode()
        fields = json.loads(text)
        # JSON may escape half of a surrogate pair, which Python accepts and UTF-8 cannot hold. Encoding again is slow,
        # so only lines with such an escape are tried.
        if "\\u" in text and ("\\ud" in text or "\\uD" in text):
            json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Malformed("an escaped surrogate without its other half")
    except UnicodeDecodeError as error:
        return Malformed(f"invalid UTF-8 at byte {error.start} of the line")
    except (ValueError, RecursionError) as error:
        return Malformed(f"not JSON: {error}")
    return fields if isinstance(fields, dict) else Malformed(f"not a JSON object but of type {type(fields).__name__}")
