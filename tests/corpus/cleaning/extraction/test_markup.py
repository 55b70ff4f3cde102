import time

import pytest

from tanuki_jax.corpus.cleaning.extraction.markup import cut, is_deeper, without_long_tags


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("a<script>if (1 < 2) '</p>'</SCRIPT >b", "ab"),
        ("a<!-- <script> -->b<script>c</script>d", "abd"),
        ("a<style>x", "a"),
        ("a<!-- x", "a"),
        ("a<svg>b", "a<svg>b"),
        ("<b>a</b><FONT color='x'>c</FONT><br><base><body><big>d", "ac<br><base><body>d"),
        ("<abbr title=x>a</abbr><acronym>b</acronym><a href=x>c</a><article>", "ab<a href=x>c</a><article>"),
        ("a<SELECT><option>1</SELECT>b<button>c</button>d", "abd"),
        ("a<STYLE>x</STYLE>b<style>y</style>c", "abc"),
    ],
)
def test_what_holds_no_text_is_cut(html: str, left: str) -> None:
    assert cut(html) == left


@pytest.mark.parametrize("tag", ["<script>", "<svg>", "<!--", "<b ", "<template>", "<STYLE>x</style>"])
def test_cutting_takes_linear_time(tag: str) -> None:
    began = time.thread_time()
    cut(tag * 40_000)
    assert time.thread_time() - began < 1.5


@pytest.mark.parametrize(
    ("html", "depth"),
    [
        ("<div>" * 7 + "</div>" * 7, 7),
        ("<div></div>" * 50, 1),
        ("<div>" + "<p>a<p>b<br><img>" * 50, 1),
        ("<ul>" + "<li>a" * 50 + "</ul>", 1),
        ("<table><tr>" + "<td>a" * 50 + "</table>", 2),
        ("<div></x></span>" * 5, 5),
        ("<div><table><tr><td></div></table>" * 5, 7),
    ],
)
def test_the_depth_counts_what_is_open(html: str, depth: int) -> None:
    assert is_deeper(html, depth - 1)
    assert not is_deeper(html, depth)


def test_only_the_attributes_of_long_tags_are_cut() -> None:
    long = "x" * 2000
    assert without_long_tags(f"<p class='a'>b<div data-x='<p>{long}'>c</div>") == "<p class='a'>b<div>c</div>"
    assert without_long_tags(f"<p class='a'>{long}</p>") == f"<p class='a'>{long}</p>"
    assert without_long_tags(f"a<div {long}") == "a<div>"
