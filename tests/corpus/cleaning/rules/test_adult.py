from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.adult import Adult

TEXT = "無修正の動画と人妻と熟女。"


def test_several_different_words_drop_a_document() -> None:
    assert Adult().apply(Draft("a", TEXT)) == "adult"


def test_one_word_often_or_many_in_a_long_text_stay() -> None:
    assert Adult().apply(Draft("a", TEXT[:4] * 20)) == ""
    assert Adult().apply(Draft("a", TEXT + "猫が机の上にいる。" * 500)) == ""
    assert Adult(most=20).apply(Draft("a", TEXT)) == ""
