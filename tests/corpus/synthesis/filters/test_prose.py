import pytest

from tanuki_jax.corpus.synthesis.filters.prose import without_code, without_quotations


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("海\n```python\nx = 1\n```\n山", "海\n\n山"),
        ("海\n```\nx = 1", "海\n"),
        ("`x`は海", " は海"),
        ("https://example.org/a?b=1 を見る", "  を見る"),
        ("`は海", "`は海"),
        ("", ""),
    ],
)
def test_code_and_addresses_are_left_out(text: str, left: str) -> None:
    assert without_code(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("彼は「海だ」と言った。", "彼は「」と言った。"),
        ("『海』と“山”と\"川\"と '空'。", "「」と「」と「」と 「」。"),
        ("It's Peter's hat.", "It's Peter's hat."),
        ("「" + "海" * 500 + "」", "「" + "海" * 500 + "」"),
        ("「海", "「海"),
        ("", ""),
    ],
)
def test_quotations_are_empty(text: str, left: str) -> None:
    assert without_quotations(text) == left
