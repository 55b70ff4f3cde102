from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.advertisement import Advertisement

TEXT = "送料無料、在庫あり、代金引換、返品不可。"


def test_several_different_words_drop_a_document() -> None:
    assert Advertisement().apply(Draft("a", TEXT)) == "advertisement"


def test_one_word_often_or_many_in_a_long_text_stay() -> None:
    assert Advertisement().apply(Draft("a", TEXT[:4] * 20)) == ""
    assert Advertisement().apply(Draft("a", TEXT + "猫が机の上にいる。" * 500)) == ""
    assert Advertisement(most=20).apply(Draft("a", TEXT)) == ""
