import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.cleaning.extraction.characters import unified


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ｔａｎｕｋｉ８Ｂ", "Tanuki8B"),
        ("ﾊﾞﾅﾅは｢ﾍﾟﾝ｣と､ﾋﾞﾝ｡", "バナナは「ペン」と、ビン。"),
        ("か\u3099き\u309a", "がき\u309a"),
        ("３．１４と１，０００と０３－１２３４", "3.14と1,000と03-1234"),
        ("１０：００～１８：００", "10：00〜18：00"),
        ("a\u200bb\u00adc\ufeffd\x07e", "abcde"),
        ("a\xa0b", "a b"),
    ],
)
def test_forms_are_unified_where_nothing_is_lost(text: str, expected: str) -> None:
    assert unified(text) == expected


@pytest.mark.parametrize(
    "text", ["「本文」（注）！？：；", "①㎡㈱½10²Ⅳ℃", "神\ufa19と神", "〜・ー　全角の空白", "👨‍👩‍👧", "a\tb\nc"]
)
def test_what_would_lose_meaning_stays(text: str) -> None:
    assert unified(text) == text


@given(st.text())
def test_nothing_but_nfkc_and_removal_happens(text: str) -> None:
    removed = "".join(letter for letter in unified(text) if unicodedata.category(letter) not in ("Cc", "Cf"))
    kept = "".join(letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cf"))
    waves = str.maketrans("\u301c\uff5e\u2212", "~~-")
    assert unicodedata.normalize("NFKC", removed.translate(waves)) == unicodedata.normalize(
        "NFKC", kept.translate(waves)
    )
