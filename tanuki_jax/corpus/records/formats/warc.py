"""WARC and WET files: pages as they were crawled, and texts that a crawler made of pages."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import LONGEST_RECORD, Slice, compression_of, open_stored
from tanuki_jax.corpus.records.formats import warc_records
from tanuki_jax.corpus.records.formats.file_format import PAGE, Fields
from tanuki_jax.corpus.records.formats.gzip_members import Damage, Readable, decompressed
from tanuki_jax.corpus.records.types import Malformed

if TYPE_CHECKING:
    from fastwarc.warc import WarcRecord

_BLOCK = 1 << 20
_HTML = ("text/html", "application/xhtml+xml")


def rows(slice: Slice, longest: int = LONGEST_RECORD) -> Iterator[tuple[int, Fields | Malformed | None]]:
    """Yield (byte in the decompressed file, fields) of each record.

    A response of status 2xx, or a resource, whose media type is HTML or XHTML: `html` (bytes), `url`, `date`,
    `content_type` (HTTP header as it was sent) and `id`. A conversion: `text`, `url`, `date`, `language`
    (WARC-Identified-Content-Language) and `id`. Fields without a value are left out. Other records are None.
    A page that is decoded to more than `longest` bytes is malformed.
    """
    try:
        import fastwarc.warc  # noqa: F401
    except ImportError:
        raise InputError("WARC files need fastwarc: pip install 'tanuki-jax[corpus]'") from None
    with open_stored(slice.path) as file:
        blocks = decompressed(file, warc_records.MAGIC) if compression_of(slice.path) == "gzip" else _blocks(file)
        for position, record in warc_records.records(blocks):
            yield position, record if isinstance(record, Malformed) else _fields(record, longest)


def _blocks(file: Readable) -> Iterator[bytes | Damage]:
    while block := file.read(_BLOCK):
        yield block


def _fields(data: bytes, longest: int) -> Fields | Malformed | None:
    from fastwarc.warc import WarcRecord, WarcRecordType

    try:
        record = WarcRecord.from_reader(io.BytesIO(data))
    except (OSError, ValueError) as error:
        return Malformed(f"not a WARC record: {error}")
    if record.record_type == WarcRecordType.conversion:
        try:
            text = record.reader.read().decode()
        except UnicodeDecodeError as error:
            return Malformed(f"invalid UTF-8 at byte {error.start} of the text")
        return {"text": text} | _origin(record, language="WARC-Identified-Content-Language")
    if record.record_type == WarcRecordType.resource:
        sent = record.headers.get("Content-Type") or ""
        return _page(record, record.reader.read(), sent) if _is_html(sent) else None
    return (
        _response(record, data, longest) if record.record_type == WarcRecordType.response and record.is_http else None
    )


def _response(record: "WarcRecord", data: bytes, longest: int) -> Fields | Malformed | None:
    from fastwarc.warc import WarcRecord

    try:
        record.parse_http(auto_decode="none", strict_mode=False)
    except (OSError, ValueError) as error:
        return Malformed(f"not an HTTP response: {error}")
    headers = record.http_headers
    if headers.status_code is None:
        return Malformed("not an HTTP response: no status line")
    sent = headers.get("Content-Type") or ""
    kind = sent or record.headers.get("WARC-Identified-Payload-Type") or ""
    if headers.status_code // 100 != 2 or not _is_html(kind):
        return None
    encodings = [headers.get(name) for name in ("Transfer-Encoding", "Content-Encoding")]
    if any(encodings):
        again = WarcRecord.from_reader(io.BytesIO(data))
        try:
            again.parse_http(auto_decode="all", strict_mode=False)
            page = again.reader.read(longest + 1)  # the crawler's limit is for the bytes that were sent
            if len(page) > longest:
                return Malformed(f"a page of more than {longest} bytes when it is decoded")
            return _page(record, page, sent)
        except (OSError, ValueError) as error:
            body = record.reader.read()
            if b"<" not in body[:256]:
                return Malformed(f"the page cannot be decoded ({', '.join(filter(None, encodings))}): {error}")
            return _page(record, body, sent)  # many crawlers store the decoded page under the headers that were sent
    return _page(record, record.reader.read(), sent)


def _page(record: "WarcRecord", html: bytes, sent: str) -> Fields:
    page: Fields = {PAGE: html}
    return page | _origin(record) | ({"content_type": sent} if sent else {})


def _origin(record: "WarcRecord", **further: str) -> Fields:
    headers = {"url": "WARC-Target-URI", "date": "WARC-Date", "id": "WARC-Record-ID", **further}
    values = {name: record.headers.get(header) for name, header in headers.items()}
    return {name: value for name, value in values.items() if value}


def _is_html(media_type: str) -> bool:
    return media_type.partition(";")[0].strip().lower() in _HTML
