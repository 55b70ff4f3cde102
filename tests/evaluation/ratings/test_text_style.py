"""Length and Markdown of answers, counted by hand."""

import pytest

from tanuki_jax.evaluation.ratings.text_style import style_of

ANSWER = """# 見出し
## もう一つ
- 一つ目
  - **太字**の二つ目
* 三つ目
1. 四つ目
２．五つ目
・六つ目
```python
# comment
- no item
**no bold**
```
これは**重要**で、__これも__です。
"""


def test_lists_headings_and_bold_are_counted_outside_code() -> None:
    assert style_of(ANSWER) == {"length": len(ANSWER), "lists": 6, "headings": 2, "bold": 3}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "答えは2.5です。",
        "**",
        "a ** b ** c",
        "#tag",
        "-5度",
        "1.5倍",
        "１．５倍",
        "2 * 3 * 4",
        "---",
        "~~~\n- in a fence",
    ],
)
def test_plain_text_has_no_style_but_its_length(text: str) -> None:
    assert style_of(text) == {"length": len(text), "lists": 0, "headings": 0, "bold": 0}


def test_text_behind_a_fence_counts_again() -> None:
    assert style_of("~~~\n- a\n~~~\n- b\n````\n```\n- c\n````\n# d")["lists"] == 1
    assert style_of("```\n# a\n```\n# b")["headings"] == 1
