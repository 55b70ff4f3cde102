from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.endings import Endings


def test_cut_lines_go() -> None:
    draft = Draft("a", "猫がいる。\n今日は天気が良かったので[…]\n昨日のことだが…続きを読む \n")
    assert Endings().apply(draft) == ""
    assert draft.text == "猫がいる。\n"


def test_a_document_needs_the_end_of_a_sentence() -> None:
    assert Endings().apply(Draft("a", "東京都港区 会社概要 採用情報 3.14")) == "no sentence ends"
    assert Endings(broken="").apply(Draft("a", "")) == "no sentence ends"
    for text in ("猫がいる。", "「猫がいる」\n", "本当！？", "The cat sat. It slept.", "猫がいる…\n"):
        assert Endings().apply(Draft("a", text)) == "", text


def test_verse_needs_none() -> None:
    verse = "わたくしは空をみあげ\nつめたいかぜのなかに\nひとりたつてゐた\n"
    assert Endings().apply(Draft("a", verse)) == ""
    assert Endings(verse_hiragana=0.99).apply(Draft("a", verse)) == "no sentence ends"
