import pytest

from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.line_dictionary import LineDictionary


@pytest.mark.parametrize(
    "line",
    [
        "会社概要",
        " ＨＯＭＥ ",
        "Copyright 2019 Example",
        "ＴＥＬ：000-0000-0000",
        "記事の一覧を見る",
        "商品詳細はこちら",
    ],
)
def test_page_furniture_goes(line: str) -> None:
    draft = Draft("a", f"{line}\n猫がいる。\n")
    assert LineDictionary().apply(draft) == ""
    assert draft.text == "猫がいる。\n"


@pytest.mark.parametrize(
    "line", ["会社概要を調べた。", "電話番号は誰にも教えないでください。", "〒は郵便の記号である。", "TEL" + "あ" * 40]
)
def test_sentences_and_long_lines_stay(line: str) -> None:
    draft = Draft("a", f"{line}\n")
    assert LineDictionary().apply(draft) == ""
    assert draft.text == f"{line}\n"


def test_vocabularies_can_be_left_out() -> None:
    draft = Draft("a", "会社概要\nCopyright 2019\n記事の一覧を見る\n")
    assert LineDictionary(exact="", starts="", ends="").apply(draft) == ""
    assert draft.text == "会社概要\nCopyright 2019\n記事の一覧を見る\n"
    assert LineDictionary().apply(draft) == "nothing left"
