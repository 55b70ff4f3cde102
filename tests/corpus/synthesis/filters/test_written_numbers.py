from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.synthesis.filters.written_numbers import Evidence, normalized, numbers, value_of
from tests.corpus.synthesis.filters.grounding_frames import in_kanji, mixed, positional, wide


def same(source: str, written: str) -> bool:
    """Whether a source grounds every number of a text, of which there is one at least."""
    evidence, found = Evidence(), numbers(normalized(written))
    evidence.add(normalized(source))
    assert found, written
    return all(map(evidence.has, found))


@pytest.mark.parametrize(
    ("numeral", "value"),
    [
        ("35", 35), ("35,000", 35_000), ("3万5千", 35_000), ("三万五千", 35_000), ("二十三", 23), ("二〇二四", 2024),
        ("千五百", 1_500), ("1億2,000万", 120_000_000), ("1.5", Fraction(3, 2)), ("2千", 2_000), ("3.5万", 35_000),
        ("百", 100), ("十", 10), ("〇", 0), ("五5", None), ("1" * 41, None), ("一兆二千億", 1_200_000_000_000),
    ],
)  # fmt: skip
def test_a_numeral_has_its_value(numeral: str, value: Fraction | int | None) -> None:
    assert value_of(numeral) == value


@given(st.integers(1, 9_999))
def test_kanji_and_digits_have_one_value(value: int) -> None:
    assert value_of(in_kanji(value)) == value_of(positional(value)) == value_of(f"{value:,}") == value
    assert value_of(mixed(value * 1_000 + 10_000)) == value * 1_000 + 10_000
    assert same(f"{value}個", f"{wide(str(value))}個")


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("30%", "三割"), ("三割五分", "35%"), ("35パーセント", "0.35"), ("4分の1", "25%"), ("半分", "50%"),
        ("2024年", "令和6年"), ("平成元年", "1989年"), ("昭和三十九年", "1964年"), ("午後3時", "15時"),
        ("15時", "午後3時"), ("10時半", "10:30"), ("90分", "1時間30分"), ("1時間30分", "90分"),
        ("2.5km", "2500メートル"),
        ("1.2トン", "1,200kg"), ("2週間", "14日間"), ("2年", "24か月"), ("八・五メートル", "8.5m"),
        ("34,120人", "約3万4千人"),
        ("34,120人", "3万人以上"), ("1990年", "90年代"), ("3/5", "3月5日"), ("twenty-three", "23"),
        ("3.5 million", "350万"),
        ("two dozen", "24"), ("three hundred and five", "305"), ("a million", "100万"), ("1時間半", "90分"),
        ("45 percent", "45%"), ("¥1,980", "1980円"), ("⑤ 7人", "七人"), ("a third", "1/3"),
        ("約1/3", "およそ三分の一"), ("two thirds", "3分の2"),
    ],
)  # fmt: skip
def test_one_number_in_two_spellings_is_the_same(source: str, written: str) -> None:
    assert same(source, written)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("30%", "四割"), ("2024年", "令和5年"), ("午前3時", "15時"), ("90分", "1時間20分"), ("2.5km", "250メートル"),
        ("34,120人", "3万4千人"), ("36,000人", "約3万人"), ("3月5日", "3月6日"), ("twenty-three", "24"),
        ("⑤ 7人", "5人"),
        ("3.5 million", "3.5 billion"), ("100", "1"), ("2週間", "14km"), ("半額", "半年で30%"), ("約1/3", "約1/4"),
        ("1907年", "7歳"), ("3分の1と4月", "4分の1"),
    ],
)  # fmt: skip
def test_two_numbers_are_not_taken_for_one(source: str, written: str) -> None:
    assert not same(source, written)


@pytest.mark.parametrize("text", ["数十人", "何百もの", "CO2", "MP3とH₂O", "hundreds of", "①と②"])
def test_vague_numbers_and_parts_of_words_are_none(text: str) -> None:
    assert numbers(normalized(text)) == []


NUMERALS = st.text("0123456789,.０５十百万二〇第約/分の割%年月時間半〜 kma", max_size=24)


@given(st.text() | NUMERALS)
def test_any_text_grounds_itself(text: str) -> None:
    normal, evidence = normalized(text), Evidence()
    evidence.add(normal)
    for number in numbers(normal):
        assert number.start < number.stop and number.values
        assert evidence.has(number)


@given(NUMERALS, NUMERALS)
def test_two_texts_are_compared_in_the_end(source: str, written: str) -> None:
    evidence = Evidence()
    evidence.add(normalized(source))
    for number in numbers(normalized(written)):
        assert isinstance(evidence.has(number) or evidence.has_sum(number), bool)
