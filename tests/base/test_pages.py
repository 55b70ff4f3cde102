"""Pages of HTML: text is escaped, pictures are inside, and nothing is fetched."""

from pathlib import Path

import jinja2
import pytest

from tanuki_jax.base import pages
from tanuki_jax.base.pages import Row

HOSTILE = "<script>\"&' 狸 $5 {{ title }}"
ESCAPED = "&lt;script&gt;&#34;&amp;&#39; 狸 $5 {{ title }}"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "test.html.jinja"
    path.write_text(
        '{% extends "page.html.jinja" %}\n'
        '{% from "parts.html.jinja" import picture, table %}\n'
        "{% block content %}\n"
        "<p>{{ text }}</p>\n"
        "{{ picture(png, text) }}"
        "{{ table([text, text, text], rows) }}"
        "{% endblock %}\n",
        encoding="utf-8",
    )
    return path


def test_text_stays_text_in_every_part_of_a_page(template: Path) -> None:
    rows = [Row([HOSTILE, HOSTILE, HOSTILE], text=HOSTILE)]
    page = pages.render(template, title=HOSTILE, text=HOSTILE, png=b"\x89PNG", rows=rows)
    assert "<script" not in page
    # The title twice, the paragraph, the picture's description, and the table's head, cells and text.
    assert page.count(ESCAPED) == 2 + 1 + 1 + 3 + 3 + 1
    assert page.startswith("<!DOCTYPE html>\n") and page.endswith("</html>\n")
    assert "://" not in page


def test_a_picture_is_inside_the_page(template: Path) -> None:
    page = pages.render(template, title="t", text="a curve", png=b"\x89PNG", rows=[])
    assert '<img src="data:image/png;base64,iVBORw==" alt="a curve">' in page


def test_numbers_are_aligned_to_the_right_of_their_names(template: Path) -> None:
    rows = [Row(["狸", "1", "2"], marked=True), Row(["狐", "3", "4"], text="said the fox")]
    page = pages.render(template, title="t", text="", png=b"", rows=rows)
    assert '<tr class="marked"><td class="left">狸</td><td>1</td><td>2</td></tr>\n' in page
    assert '<tr><td class="left">狐</td><td>3</td><td>4</td></tr>\n' in page
    assert '<tr><td class="text" colspan="3">said the fox</td></tr>\n' in page


def test_a_missing_value_is_an_error(template: Path) -> None:
    with pytest.raises(jinja2.UndefinedError, match="'text' is undefined"):
        pages.render(template, title="t", png=b"", rows=[])
