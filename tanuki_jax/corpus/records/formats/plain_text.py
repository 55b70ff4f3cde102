"""Plain text files: each is one document."""

from collections.abc import Iterator

from tanuki_jax.corpus.records.files import BYTE_ORDER_MARK, LONGEST_RECORD, Slice, open_file
from tanuki_jax.corpus.records.types import Malformed


def rows(slice: Slice, longest: int = LONGEST_RECORD) -> Iterator[tuple[int, str | Malformed | None]]:
    """Yield the text of a file; None if it has only white space; if it is not UTF-8, a `Malformed` with its bytes."""
    most = max(longest, slice.stop)  # only a compressed file has more bytes than are stored
    content = text_bytes(slice.path, most + 1)
    if len(content) > most:
        yield 0, Malformed(f"a compressed text of more than {most} bytes")
        return
    try:
        text = content.decode()
        yield 0, None if not text or text.isspace() else text
    except UnicodeDecodeError as error:
        yield 0, Malformed(f"invalid UTF-8 at byte {error.start} of the file", content)


def text_bytes(path: str, most: int | None = None) -> bytes:
    """Return the content of a text file, or its first `most` bytes, decompressed and without a byte order mark."""
    with open_file(path) as file:
        content: bytes = file.read() if most is None else file.read(most)
    return content.removeprefix(BYTE_ORDER_MARK)
