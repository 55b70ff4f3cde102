"""Markdown of answers, of which nothing may run or fetch."""

import pytest

from tanuki_jax.evaluation.arena.answer_html import LONGEST, html_of


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("一\n二", "<p>一<br />\n二</p>\n"),
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>\n"),
        ("<script>\nalert(1)\n</script>", "<p>&lt;script&gt;<br />\nalert(1)<br />\n&lt;/script&gt;</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        (
            "[x](https://a.example/)",
            '<p><a href="https://a.example/" rel="noopener noreferrer nofollow" target="_blank">x</a></p>\n',
        ),
        ("```\n<b>\n```", "<pre><code>&lt;b&gt;\n</code></pre>\n"),
    ],
)
def test_markdown_is_laid_out_and_html_is_text(text: str, html: str) -> None:
    assert html_of(text) == html


def test_images_are_not_fetched() -> None:
    assert "<img" not in html_of("![x](https://a.example/x.png)")


def test_a_text_without_end_is_shown_as_it_is() -> None:
    assert html_of("[" * (LONGEST + 1)).startswith("<pre>[[")
