from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.dates import Dates


def test_stamps_go_and_sentences_with_dates_stay() -> None:
    sentence = "2019年10月22日、東京の天気は雨で、行事は中止になったという。\n"
    draft = Draft("a", f"2019年10月22日(火)\n2019/10/22 12:34 投稿\n第12回\n{sentence}１２：３４　０５０６．\n")
    assert Dates().apply(draft) == ""
    assert draft.text == f"第12回\n{sentence}"


def test_a_paragraph_that_begins_with_a_date_stays() -> None:
    text = "2019/10/22 12:34 " + "今日は朝から雨が降っていて" * 8 + "\n"
    draft = Draft("a", text)
    assert Dates().apply(draft) == ""
    assert draft.text == text
    assert Dates(longest=500).apply(draft) == "nothing left"


def test_digits_without_mark_stay() -> None:
    draft = Draft("a", "12345678\n")
    assert Dates().apply(draft) == ""
