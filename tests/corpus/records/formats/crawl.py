"""Records of WARC files, written by hand and, as an oracle, by fastwarc."""

import io

from fastwarc.warc import WarcRecord, WarcRecordType


def response(number: int, body: bytes | None = None, sent: str = "text/html; charset=utf-8", http: str = "") -> bytes:
    """Return a response as fastwarc writes it; its payload is a page that names the number."""
    page = f"<html><p>page {number}</p></html>".encode() if body is None else body
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {sent}\r\n{http}\r\n" if sent else f"HTTP/1.1 200 OK\r\n{http}\r\n"
    return record(WarcRecordType.response, number, head.encode() + page, "application/http; msgtype=response")


def conversion(number: int, text: bytes) -> bytes:
    return record(WarcRecordType.conversion, number, text, "text/plain", language="jpn,eng")


def record(kind: WarcRecordType, number: int, content: bytes, media_type: str, language: str = "") -> bytes:
    made = WarcRecord()
    made.init_headers(kind, f"uuid:{number}".encode(), content_length=len(content))
    made.headers["WARC-Target-URI"] = f"https://a.example/{number}"
    made.headers["WARC-Date"] = "2024-05-06T07:08:09Z"
    made.headers["Content-Type"] = media_type
    if language:
        made.headers["WARC-Identified-Content-Language"] = language
    made.set_bytes_content(content)
    written = io.BytesIO()
    made.write(written)
    return written.getvalue()
