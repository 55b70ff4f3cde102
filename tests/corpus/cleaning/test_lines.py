from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import NOTHING_LEFT, ends_sentence, keep_lines, sentences


@given(st.text(st.sampled_from("あ。！?」)\n ")))
def test_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text


def test_a_sentence_keeps_its_closing_bracket() -> None:
    assert sentences("「行く。」と言った。\n終わり") == ["「行く。」", "と言った。", "\n", "終わり"]


def test_ends_of_sentences_are_known_behind_brackets() -> None:
    assert all(map(ends_sentence, ["行く。", "行く！」", "「行く」", "行く。）", "行く…", "Go."]))
    assert not any(map(ends_sentence, ["会社概要", "行く、", "", "2019年"]))


def test_dropping_lines_leaves_one_blank_line_between_paragraphs() -> None:
    draft = Draft("a", "猫\n\n犬\n\n猫\n")
    assert keep_lines(draft, lambda line: line != "犬") == ""
    assert draft.text == "猫\n\n猫\n"
    assert keep_lines(draft, lambda line: line != "猫") == NOTHING_LEFT
