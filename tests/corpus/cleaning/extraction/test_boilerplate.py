import pytest

from tanuki_jax.corpus.cleaning.extraction.extract_html import extract

PROSE = "<p>この段落は、ページの本文だとわかるだけの長さがある、ふつうの文章でできています。</p>" * 3
LINKS = "<ul><li><a href=1>春の庭仕事</a><li><a href=2>駅前の工事</a><li><a href=3>味噌作り</a></ul>"


def text_of(html: str) -> str:
    return extract(f"<html><body>{html}</body></html>".encode()).text


@pytest.mark.parametrize(
    "beside",
    [
        f"<nav>{LINKS}</nav>",
        f"<aside><h2>おすすめ</h2>{LINKS}</aside>",
        f"<div class='side-bar-menu'>{LINKS}</div>",
        f"<div id=globalNavi>{LINKS}</div>",
        "<div class='cookie-banner'>このサイトはCookieを使います。<button>同意する</button></div>",
        "<footer>会社概要</footer>",
        "<p>Copyright 2024 会社</p>",
    ],
)
def test_what_is_beside_the_content_is_left_out(beside: str) -> None:
    assert text_of(PROSE + beside) == text_of(PROSE)
    assert text_of(beside + PROSE) == text_of(PROSE)


@pytest.mark.parametrize(
    "below",
    [
        f"<h2>ほかの話題</h2>{LINKS}",
        "<h3><a href=1>別の記事の題</a></h3><p>5月1日</p><h3><a href=2>もう一つの記事</a></h3><p>5月2日</p>",
        "<hr>[1]<a href=1>表紙</a><br>[2]<a href=2>日記</a><br>[3]<a href=3>掲示板</a>",
    ],
)
def test_headings_and_lines_that_only_lead_elsewhere_are_left_out(below: str) -> None:
    assert text_of(PROSE + below) == text_of(PROSE)
    assert text_of(f"{PROSE}{below}<h2>続き</h2>{PROSE}") == text_of(f"{PROSE}<h2>続き</h2>{PROSE}")


@pytest.mark.parametrize(
    "inside",
    [
        "<div class=menu><p>焼き魚定食　九百八十円</p></div>",
        "<table><tr><th>材質<td><a href=1>桐</a><tr><th>産地<td><a href=2>会津</a></table>",
        "<ul><li>一つ目の<a href=1>項目</a><li>二つ目</ul>",
        "<div id='sharing-with-a-single-developer'><p>共有のしかた</p></div>",
        "<h2>小さな見出し</h2><p>短い文</p>",
    ],
)
def test_content_with_names_or_links_of_navigation_stays(inside: str) -> None:
    words = [word for word in text_of(PROSE + inside + PROSE).split("\n") if word]
    assert len(words) > len([word for word in text_of(PROSE + PROSE).split("\n") if word])


def test_a_name_does_not_remove_most_of_the_prose() -> None:
    assert text_of(f"<div class=sidebar>{PROSE}</div>") == text_of(PROSE)
    assert text_of(f"<footer>{PROSE}</footer>") == text_of(PROSE)


def test_the_only_article_is_taken_out_of_other_prose() -> None:
    article = f"<article><h1>題</h1>{PROSE * 2}</article>"
    assert text_of(f"{article}<div>{PROSE * 3}</div>") == text_of(article)
