import pytest

from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.filters.diversity import Diversity, diversity
from tanuki_jax.corpus.synthesis.made import Made
from tests.corpus.synthesis.filters.teacher_phrases_frames import PLAIN


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["abcd"], 1.0),
        (["abcd", "abcd"], 0.5),
        (["abcd", "ＡＢＣ Ｄ"], 0.5),
        (["abcabc"], 1.0),
        (["aaaaaa"], 1 / 3),
        (["abc"], 1.0),
        ([], 1.0),
    ],
)
def test_diversity_is_the_share_of_different_n_grams(texts: list[str], expected: float) -> None:
    assert diversity(iter(texts)) == pytest.approx(expected)


def test_no_more_than_the_given_characters_are_read() -> None:
    endless = ("abcd" for _ in iter(int, 1))
    assert diversity(endless, characters=8) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("".join(PLAIN["ja"]), ""),
        (PLAIN["ja"][0], ""),
        (PLAIN["en"][0], ""),
        (("とても楽しい一日でした。" * 12 + PLAIN["ja"][0]), "too little diversity"),
        ("", ""),
    ],
)
def test_texts_of_the_same_phrases_are_dropped(written: str, expected: str) -> None:
    assert Diversity().reason(Made(Document("a", written), written)) == expected


def test_a_long_text_is_judged_by_its_windows() -> None:
    written = "".join(PLAIN["ja"]) * 5
    assert diversity([written]) < 0.25
    assert Diversity().reason(Made(Document("a", written), written)) == ""
