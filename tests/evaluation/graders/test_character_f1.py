import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.evaluation.graders.character_f1 import character_f1


@pytest.mark.parametrize(
    ("response", "answer", "value"),
    [
        ("東京都", "東京都", 1.0),
        ("東京", "東京都", 0.8),
        ("京都府", "東京都", 0.67),
        ("", "東京都", 0.0),
        ("", "", 1.0),
        ("。", "、", 1.0),
        ("the quick fox", "fox the quick", 1.0),
        ("The Quick", "the quick", 1.0),
        ("1932年3月8日", "1932年", 0.71),
        ("太平洋戦争です", "太平洋戦争", 0.83),
        ("café au lait", "cafe au lait", 0.96),
        ("a_b", "a b", 0.67),
        ("アメリカ合衆国", "アメリカ、合衆国", 0.93),
        ("第二次世界大戦後の1947年", "1947年", 0.53),
        ("ジョン・F・ケネディ", "ケネディ ジョン F", 1.0),
    ],
)
def test_the_values_are_those_of_fuzzywuzzy(response: str, answer: str, value: float) -> None:
    """Computed with fuzzywuzzy 0.18.0 and python-Levenshtein 0.27.5."""
    assert character_f1(response, answer) == value


TEXTS = st.text(alphabet="あいうアイ漢字abcAB 　123,.、。_-é½\n「」", max_size=30)


def common_length(one: str, two: str) -> int:
    """Return the length of the longest common subsequence, by the usual table."""
    row = [0] * (len(two) + 1)
    for left in one:
        before = 0
        for index, right in enumerate(two, 1):
            before, row[index] = row[index], before + 1 if left == right else max(row[index], row[index - 1])
    return row[-1]


@given(st.text(alphabet="abc", max_size=12), st.text(alphabet="abc", max_size=12))
def test_the_common_subsequence_is_the_longest(one: str, two: str) -> None:
    expected = 1.0 if one == two else 0.0
    if one and two and one != two:
        expected = round(100 * 2 * common_length(one, two) / (len(one) + len(two))) / 100
    assert character_f1(one, two) == expected


@given(TEXTS, TEXTS)
def test_the_similarity_has_bounds_and_no_order(one: str, two: str) -> None:
    assert 0 <= character_f1(one, two) == character_f1(two, one) <= 1
    assert character_f1(one, one) == 1
