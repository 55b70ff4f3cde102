from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.kana_share import KanaShare


def test_lists_and_chinese_have_too_few_hiragana() -> None:
    assert KanaShare().apply(Draft("a", "猫坐在桌子上看著窗外的鳥。")) == "too few hiragana"
    assert KanaShare().apply(Draft("a", "東京都港区芝公園の東京塔")) == "too few hiragana"
    assert KanaShare().apply(Draft("a", "猫は机の上に座って、窓の外の鳥を見ている。")) == ""


def test_too_many_katakana_are_a_catalogue() -> None:
    text = "メンズのランニングシューズとレディースのスニーカーとサンダルがある"
    assert KanaShare().apply(Draft("a", text)) == "too many katakana"
    assert KanaShare(most_katakana=0.9).apply(Draft("a", text)) == ""
