import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.cleaning.split_text import split_text


@given(st.text("あいう。、\n ", max_size=300), st.integers(5, 60))
def test_pieces_are_the_text_without_white_space_at_the_cuts(text: str, most: int) -> None:
    pieces = split_text(text, most)
    assert all(len(piece) <= most for piece in pieces)
    if len(text) > most:
        assert "".join("".join(pieces).split()) == "".join(text.split())


def test_paragraphs_are_cut_before_lines_and_sentences() -> None:
    text = "一。二。三。\n四。五。六。\n\n七。八。九。\n十。十一。"
    assert split_text(text, 20) == ["一。二。三。\n四。五。六。", "七。八。九。\n十。十一。"]


def test_pieces_are_about_equal() -> None:
    lengths = [len(piece) for piece in split_text("これは文です。" * 300, 1_000)]
    assert len(lengths) == 3
    assert max(lengths) - min(lengths) < 20


@pytest.mark.parametrize("text", ["", "あ", "あ" * 50])
def test_a_short_text_stays_as_it_is(text: str) -> None:
    assert split_text(text, 50) == [text]
