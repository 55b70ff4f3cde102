import re
import time
from collections import defaultdict
from pathlib import Path
from statistics import fmean

import pytest

from tanuki_jax.corpus.cleaning.draft import Draft, seed_of
from tanuki_jax.corpus.cleaning.extraction.extract_html import draft_of_page, extract
from tests.corpus.cleaning.extraction.page_builder import PAGES, BuiltPage, built_pages
from tests.corpus.cleaning.extraction.similarity import f1

HANDWRITTEN = sorted((PAGES / "handwritten").glob("*.html"))
LABELS = {"cp932": "Shift_JIS", "euc_jp": "EUC-JP", "iso2022_jp": "ISO-2022-JP"}
WRONG = ("UTF-8", "Shift_JIS", "EUC-JP", "ISO-8859-1", "ISO-2022-JP", "windows-1252", "GB2312")


def test_pages_of_every_layout_give_their_text() -> None:
    pages = built_pages()
    assert len(pages) >= 100
    scores: dict[str, list[float]] = defaultdict(list)
    for page in pages:
        extracted = extract(page.html.encode(), "text/html")
        assert extracted.language == page.content.language
        scores[page.name.partition("-")[2]].append(f1(extracted.text, page.content.text))
    assert len(scores) == 12
    assert fmean(score for of_layout in scores.values() for score in of_layout) >= 0.99
    assert min(map(fmean, scores.values())) >= 0.97
    assert min(map(min, scores.values())) >= 0.88


def test_pages_of_every_layout_are_lines_in_the_order_of_the_page() -> None:
    for page in built_pages()[::7]:
        lines = [line.strip() for line in extract(page.html.encode()).text.splitlines()]
        expected = [line for line in page.content.text.split("\n") if len(line) < 40 and " | " not in line]
        found = [lines.index(line) for line in dict.fromkeys(expected) if line in lines]
        assert found == sorted(found)
        assert len(found) >= 0.8 * len(set(expected)), page.name


@pytest.mark.parametrize("path", HANDWRITTEN, ids=lambda path: path.stem)
def test_handwritten_pages_give_the_text_beside_them(path: Path) -> None:
    extracted = extract(path.read_bytes())
    assert extracted.reason == ""
    assert extracted.language == ("en" if path.stem.endswith("-en") else "ja")
    assert f1(extracted.text, path.with_suffix(".txt").read_text("utf-8")) >= 0.9


def test_the_handwritten_pages_have_a_mean_of_97_percent() -> None:
    scores = [f1(extract(path.read_bytes()).text, path.with_suffix(".txt").read_text("utf-8")) for path in HANDWRITTEN]
    assert len(scores) >= 12
    assert fmean(scores) >= 0.97


def check_encodings(pages: list[BuiltPage]) -> None:
    """Compare each page in three encodings, declared rightly, wrongly and not at all, with the same page in UTF-8."""
    equal = 0
    for number, page in enumerate(pages):
        expected = extract(page.html.encode()).text
        assert expected
        bare = re.sub(r'(?i)<meta[^>]*charset[^>]*>| encoding="UTF-8"', "", page.html)
        for encoding, label in LABELS.items():
            wrong = [other for other in WRONG if other != label]
            for declared in (label, wrong[number % len(wrong)], ""):
                html = bare.replace("<title>", f'<meta charset="{declared}"><title>', 1) if declared else bare
                extracted = extract(html.encode(encoding, "xmlcharrefreplace"), "text/html")
                equal += extracted.text == expected
                assert extracted.text == expected or extracted.reason, (page.name, encoding, declared)
    assert equal >= 0.95 * 9 * len(pages)


def test_a_page_is_the_same_in_every_encoding_however_declared() -> None:
    check_encodings(built_pages()[::9])


@pytest.mark.long
def test_all_pages_are_the_same_in_every_encoding_however_declared() -> None:
    handwritten = [path.read_text("utf-8") for path in HANDWRITTEN]
    content = built_pages()[0].content
    check_encodings(
        [*built_pages(), *(BuiltPage(str(number), html, content) for number, html in enumerate(handwritten))]
    )


@pytest.mark.parametrize("right", ["utf-8", "cp932", "euc_jp"])
@pytest.mark.parametrize("wrong", ["cp1252", "latin-1", "cp932", "euc_jp", "utf-8"])
def test_mojibake_is_repaired_or_a_reason(right: str, wrong: str) -> None:
    for page in built_pages()[::12]:
        if page.content.language != "ja" or right == wrong:
            continue
        expected = extract(page.html.encode(right, "xmlcharrefreplace"))
        stored = page.html.encode(right, "xmlcharrefreplace").decode(wrong, "replace").encode()
        extracted = extract(stored, "text/html; charset=utf-8")
        assert not (extracted.reason and wrong == "latin-1"), "no byte was lost"
        if extracted.reason:
            assert (extracted.reason, extracted.text) == ("mojibake", "")
        else:
            assert f1(extracted.text, expected.text) >= 0.97
            assert extracted.repaired


def check_depth(start: str) -> None:
    """Extract a page with a million elements in each other."""
    began = time.thread_time()
    extracted = extract(b"<p>text</p>" + (start * (1_000_000 // start.count("<"))).encode())
    assert extracted.reason in ("elements nested too deep", "extraction took too long")
    assert time.thread_time() - began < 10


@pytest.mark.parametrize("start", ["<div>"])
def test_a_page_of_a_million_elements_in_each_other_has_one_reason(start: str) -> None:
    check_depth(start)


@pytest.mark.long
@pytest.mark.parametrize(
    "start", ["<div></x>", "<b><div>", "<ul><li>", "<table><tr><td>", "<span><q>", "<div><table><td></div></table>"]
)
def test_other_elements_that_nest_a_million_deep_have_one_reason(start: str) -> None:
    check_depth(start)


def test_formatting_that_is_never_closed_takes_linear_time() -> None:
    page = "".join(f"<font color={number}><p>文が続きます。{number}" for number in range(4_000))
    extracted = extract(page.encode())
    assert extracted.text.count("文が続きます。") == 4_000


def test_a_page_over_its_time_limit_has_a_reason() -> None:
    page = "".join(f"<p>{number}番目の文が続きます。</p>" for number in range(4_000)).encode()
    assert extract(page, seconds=0.0).reason == "extraction took too long"
    assert extract(page).reason == ""


@pytest.mark.parametrize(
    "page", [b"", b"   ", b"\0\0\0", b"<html>", b"<!--", b"<script>var a = '<p>text</p>'", b"<p>\xe3\x80\x80</p>", b"<"]
)
def test_a_page_without_text_has_a_reason(page: bytes) -> None:
    extracted = extract(page)
    assert (extracted.text == "") == (extracted.reason != "")
    assert extracted.text.strip() in ("", "<")


def test_a_row_with_a_page_becomes_a_draft() -> None:
    page = "<html lang=ja><title>題</title><p>一つ目の文です。</p>".encode("euc_jp")
    metadata = {"url": "https://a.example/", "date": "2024"}
    draft = draft_of_page({"html": page, **metadata, "id": "<urn:uuid:1>", "content_type": "text/html"}, "a.warc:0")
    assert draft == Draft(
        "<urn:uuid:1>",
        "一つ目の文です。\n",
        {
            **metadata,
            "title": "題",
            "language": "ja",
            "encoding": "euc_jp",
            "encoding_guessed": True,
        },
        seed=seed_of("一つ目の文です。\n"),
    )
    decoded = draft_of_page({"html": "<p>一つ目の文です。\ud800</p>"}, "a.jsonl:7")
    assert isinstance(decoded, Draft)
    assert (decoded.id, decoded.text) == ("a.jsonl:7", "一つ目の文です。?\n")
    assert draft_of_page({"html": b"<p></p>"}) == "no text in the page"
    assert draft_of_page({"text": "a"}) == "no page"
