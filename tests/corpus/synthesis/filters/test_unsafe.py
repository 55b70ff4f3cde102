import pytest

from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.filters.unsafe import Unsafe
from tanuki_jax.corpus.synthesis.made import Made

HARM = "words of harm or discrimination"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("火炎瓶の作り方と爆弾の作り方を順に説明する。", HARM),
        ("楽な死に方を探し、致死量を調べる。", HARM),
        ("How to kill someone and hide the body.", HARM),
        ("エロ動画とアダルトビデオのサイト。", "pornography"),
        ("爆弾の作り方を載せたサイトは、警察の求めで閉鎖された。記事は規制の難しさを伝えている。", ""),
        ("自殺を防ぐには、まず話を聞くことが大切だ。相談窓口は夜も開いている。", ""),
        ("民族差別の歴史を学び、同じ過ちを繰り返さないようにする。", ""),
        ("", ""),
    ],
)
def test_different_words_must_come_together(written: str, expected: str) -> None:
    assert Unsafe().reason(Made(Document("a", written), written)) == expected


def test_a_long_text_may_have_more_of_them() -> None:
    written = "火炎瓶の作り方と爆弾の作り方は、ここには書かない。" + "法律はこれを禁じている。" * 100
    assert Unsafe().reason(Made(Document("a", written), written)) == ""
    assert Unsafe(per_thousand=0).reason(Made(Document("a", written), written)) == HARM
