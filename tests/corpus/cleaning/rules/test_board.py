from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.board import Board

TEXT = "スレ立て乙です。ワロタ、通報しました、うp、はい論破。"


def test_several_different_words_drop_a_document() -> None:
    assert Board().apply(Draft("a", TEXT)) == "message board"


def test_one_word_often_or_many_in_a_long_text_stay() -> None:
    assert Board().apply(Draft("a", TEXT[:4] * 20)) == ""
    assert Board().apply(Draft("a", TEXT + "猫が机の上にいる。" * 500)) == ""
    assert Board(most=20).apply(Draft("a", TEXT)) == ""
