import gzip
import zlib
from pathlib import Path

import pytest
from fastwarc.warc import WarcRecordType

from tanuki_jax.corpus.records.files import Slice
from tanuki_jax.corpus.records.formats import warc
from tanuki_jax.corpus.records.formats.by_suffix import format_of
from tanuki_jax.corpus.records.formats.file_format import RawRow
from tanuki_jax.corpus.records.read import read
from tanuki_jax.corpus.records.types import Document, Malformed
from tests.corpus.records.conftest import records
from tests.corpus.records.formats.crawl import conversion, record, response

DATE = "2024-05-06T07:08:09Z"


def raw(path: Path, data: bytes) -> list[tuple[int, RawRow]]:
    path.write_bytes(data)
    return list(format_of(str(path)).rows(Slice(str(path), 0, len(data))))


def test_a_file_holds_pages_and_texts_and_other_records_count(tmp_path: Path) -> None:
    parts = [
        record(WarcRecordType.warcinfo, 0, b"software: x", "application/warc-fields"),
        record(WarcRecordType.request, 1, b"GET / HTTP/1.1\r\n\r\n", "application/http; msgtype=request"),
        response(2),
        response(3, b"\x89PNG", sent="image/png"),
        conversion(4, "本文\n二行目\n".encode()),
        response(5, b"<p>xhtml</p>", sent="Application/XHTML+XML;charset=EUC-JP"),
        record(WarcRecordType.resource, 6, b"<p>stored</p>", "text/html"),
    ]
    begins = [sum(map(len, parts[:number])) for number in range(len(parts))]
    expected: list[RawRow] = [
        None,
        None,
        {
            "html": b"<html><p>page 2</p></html>",
            "url": "https://a.example/2",
            "date": DATE,
            "id": "<urn:uuid:2>",
            "content_type": "text/html; charset=utf-8",
        },
        None,
        {
            "text": "本文\n二行目\n",
            "url": "https://a.example/4",
            "date": DATE,
            "id": "<urn:uuid:4>",
            "language": "jpn,eng",
        },
        {
            "html": b"<p>xhtml</p>",
            "url": "https://a.example/5",
            "date": DATE,
            "id": "<urn:uuid:5>",
            "content_type": "Application/XHTML+XML;charset=EUC-JP",
        },
        {
            "html": b"<p>stored</p>",
            "url": "https://a.example/6",
            "date": DATE,
            "id": "<urn:uuid:6>",
            "content_type": "text/html",
        },
    ]
    rows = list(zip(begins, expected, strict=True))
    assert raw(tmp_path / "a.warc", b"".join(parts)) == rows
    assert raw(tmp_path / "a.wet", b"".join(parts)) == rows
    assert raw(tmp_path / "a.warc.gz", b"".join(map(gzip.compress, parts))) == rows
    assert raw(tmp_path / "a.warc.wet.gz", gzip.compress(b"".join(parts))) == rows


def test_a_page_read_as_a_text_says_that_it_must_be_extracted(tmp_path: Path) -> None:
    (tmp_path / "a.warc").write_bytes(response(1) + conversion(2, b"text") + conversion(3, b"\xff"))
    page, text, invalid = records(tmp_path / "a.warc")
    assert isinstance(page, Malformed) and page.reason.endswith(
        "extract its text first, with python -m tanuki_jax.clean"
    )
    assert isinstance(text, Document) and (text.id, text.text) == ("<urn:uuid:2>", "text")
    assert text.metadata == {"url": "https://a.example/2", "date": DATE, "language": "jpn,eng"}
    assert invalid == Malformed("invalid UTF-8 at byte 0 of the text")
    chat = next(read(Slice(str(tmp_path / "a.warc"), 0, 1), text_field="text", form="chat"))
    assert chat.record == page


PAGE = b"<p>packed</p>" * 20
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (gzip.compress(PAGE, mtime=0), "Content-Encoding: gzip\r\n"),
        (zlib.compress(PAGE), "Content-Encoding: deflate\r\n"),
        (CHUNKED % (len(PAGE), PAGE), "Transfer-Encoding: chunked\r\n"),
        (PAGE, "Content-Encoding: gzip\r\n"),
        (PAGE, "Transfer-Encoding: chunked\r\n"),
        (PAGE, "Content-Encoding: br\r\n"),
    ],
)
def test_a_page_is_unpacked_unless_the_crawler_did_so(tmp_path: Path, body: bytes, header: str) -> None:
    ((_, row),) = raw(tmp_path / "a.warc", response(1, body, http=header))
    assert isinstance(row, dict)
    assert row["html"] == PAGE


def test_a_page_that_cannot_be_unpacked_is_malformed(tmp_path: Path) -> None:
    ((_, row),) = raw(tmp_path / "a.warc", response(1, b"\1\2\3" * 200, http="Content-Encoding: gzip\r\n"))
    assert isinstance(row, Malformed)
    assert row.reason.startswith("the page cannot be decoded (gzip)")


def test_only_successful_responses_are_pages(tmp_path: Path) -> None:
    refused = record(
        WarcRecordType.response,
        1,
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<p>gone",
        "application/http; msgtype=response",
    )
    garbage = record(WarcRecordType.response, 2, b"garbage", "application/http; msgtype=response")
    (_, none), (_, malformed) = raw(tmp_path / "a.warc", refused + garbage)
    assert none is None
    assert malformed == Malformed("not an HTTP response: no status line")


def test_a_page_that_unpacks_to_too_much_is_malformed(tmp_path: Path) -> None:
    body = gzip.compress(b"<p>a</p>" * 1_000)
    sent = response(1, body, http="Content-Encoding: gzip\r\n")
    (tmp_path / "a.warc").write_bytes(sent + response(2))
    slice = Slice(str(tmp_path / "a.warc"), 0, 1)
    bomb, good = (found for _, found in warc.rows(slice, longest=7_999))
    assert bomb == Malformed("a page of more than 7999 bytes when it is decoded")
    assert isinstance(good, dict)
    assert [type(found) for _, found in warc.rows(slice, longest=8_000)] == [dict, dict]
