import bz2
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import Slice
from tanuki_jax.corpus.records.formats import wikipedia
from tanuki_jax.corpus.records.formats.by_suffix import format_of
from tanuki_jax.corpus.records.formats.file_format import RawRow
from tanuki_jax.corpus.records.types import Document, Malformed
from tests.corpus.records.conftest import records

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="ja">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <base>https://ja.wikipedia.org/wiki/%E3%83%A1%E3%82%A4%E3%83%B3</base>
  </siteinfo>
"""
TAIL = "</mediawiki>\n"


def page(number: int, title: str, text: str, further: str = "", namespace: int = 0) -> str:
    return (
        f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{namespace}</ns>\n    <id>{number}</id>\n{further}"
        f"    <revision><id>9</id><model>wikitext</model><text xml:space='preserve'>{escape(text)}</text></revision>\n"
        "  </page>\n"
    )


PAGES = [
    page(1, "犬 & 猫", "'''犬'''は[[動物]]。 A < B"),
    page(2, "いぬ", "#REDIRECT [[犬]]", '    <redirect title="犬" />\n'),
    page(3, "Template:x", "{{{1}}}", namespace=10),
    page(4, "C++", "言語"),
]


def raw(path: Path, data: bytes) -> list[tuple[int, RawRow]]:
    path.write_bytes(data)
    return list(format_of(str(path)).rows(Slice(str(path), 0, len(data))))


def test_articles_are_rows_and_other_pages_count(tmp_path: Path) -> None:
    dump = (HEAD + "".join(PAGES) + TAIL).encode()
    rows = raw(tmp_path / "jawiki-pages-articles.xml", dump)
    assert [fields for _, fields in rows] == [
        {
            "text": "犬は動物。 A < B",
            "title": "犬 & 猫",
            "url": "https://ja.wikipedia.org/wiki/%E7%8A%AC_%26_%E7%8C%AB",
            "id": "1",
        },
        None,
        None,
        {"text": "言語", "title": "C++", "url": "https://ja.wikipedia.org/wiki/C%2B%2B", "id": "4"},
    ]
    assert all(dump[position:].startswith(b"<page>") for position, _ in rows)
    streams = [HEAD, "".join(PAGES[:2]), "".join(PAGES[2:]), TAIL]
    packed = b"".join(bz2.compress(stream.encode()) for stream in streams)
    assert raw(tmp_path / "jawiki-pages-articles-multistream.xml.bz2", packed) == rows


def test_a_page_larger_than_a_block_is_read(tmp_path: Path) -> None:
    long = page(5, "長い", "文" * 1_200_000)
    (tmp_path / "a.xml").write_text(HEAD + PAGES[0] + long + PAGES[3] + TAIL)
    first, second, third = records(tmp_path / "a.xml")
    assert isinstance(second, Document) and len(second.text) == 1_200_000
    assert isinstance(first, Document) and isinstance(third, Document)


def test_a_damaged_page_does_not_harm_its_neighbours(tmp_path: Path) -> None:
    unclosed = PAGES[0].replace("  </page>\n", "")
    invalid = PAGES[0].replace("</title>", "")
    dump = (HEAD + PAGES[0] + unclosed + PAGES[3] + invalid + PAGES[3] + TAIL).encode()
    rows = [fields for _, fields in raw(tmp_path / "a.xml", dump.replace("言語".encode(), b"\xff", 1))]
    assert [type(fields) for fields in rows] == [dict, Malformed, Malformed, Malformed, dict]
    reasons = [fields.reason.split(":")[0] for fields in rows if isinstance(fields, Malformed)]
    assert reasons == ["a page without its end", "not XML", "not XML"]


@pytest.mark.parametrize(
    ("cut", "reason"),
    [(10, "the file ends before </mediawiki>: it was cut"), (40, "the file ends inside a page")],
)
def test_a_cut_file_ends_with_a_malformed_page(tmp_path: Path, cut: int, reason: str) -> None:
    dump = (HEAD + "".join(PAGES) + TAIL).encode()
    rows = raw(tmp_path / "a.xml", dump[:-cut])
    assert rows[-1][1] == Malformed(reason)
    assert len(rows) == (5 if cut == 10 else 4)


def test_a_cut_bz2_file_gives_its_pages_and_an_error(tmp_path: Path) -> None:
    pages = [page(number, f"題{number}", f"文{number}" * 50) for number in range(200)]
    packed = bz2.compress((HEAD + "".join(pages[:100])).encode()) + bz2.compress(("".join(pages[100:]) + TAIL).encode())
    path = tmp_path / "a.xml.bz2"
    path.write_bytes(packed[:-50])
    with pytest.raises(InputError, match="cannot be read beyond row 100 of"):
        records(path)


def test_another_xml_file_is_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<tei>文</tei>")
    assert records(tmp_path / "a.xml") == [Document(str(tmp_path / "a.xml"), "<tei>文</tei>")]


def test_a_dump_without_an_end_of_a_page_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "a.xml.bz2"
    path.write_bytes(bz2.compress(b"<mediawiki><page>" + b"a" * 5_000_000))
    found = wikipedia.rows(Slice(str(path), 0, path.stat().st_size), longest=1_000_000, most=2_000_000)
    assert next(found) == (11, Malformed("a page of more than 1000000 bytes"))
    with pytest.raises(OSError, match="no whole page in the 2000000 bytes before byte"):
        next(found)
