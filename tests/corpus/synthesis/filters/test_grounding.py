import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.filters.grounding import Grounding
from tanuki_jax.corpus.synthesis.made import Made
from tests.corpus.synthesis.filters.grounding_frames import EACH, FRAMES, fill
from tests.corpus.synthesis.filters.planted_cases import by_hand, from_frames, measure

SOURCE = "会には35人が来て、三割が子どもだった。会場は盛岡市の図書館で、佐藤さんが司会をした。"
NUMBER, NAME = "a number that is not in the source", "a name that is not in the source"


def reason(written: str, grounding: Grounding | None = None, *sources: str) -> str:
    return (grounding or Grounding()).reason(Made(Document("a", written), written, sources or (SOURCE,)))


@pytest.mark.parametrize("held_out", [False, True])
def test_19_in_20_planted_facts_are_found_and_19_in_20_finds_right(held_out: bool) -> None:
    cases = [*from_frames(FRAMES, fill, EACH, seed=7), *by_hand("grounding")]
    assert len(cases) >= 300
    measured = measure([case for case in cases if case.held_out == held_out], Grounding())
    assert measured.cases >= 100
    assert measured.precision >= 0.95, measured.wrong
    assert measured.recall >= 0.95, measured.wrong


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("三十五人の会で、30%が子どもであった。", ""),
        ("三十六人の会で、30%が子どもであった。", NUMBER),
        ("３５人が集まり、四割が子どもだった。", NUMBER),
        ("盛岡の図書館で佐藤さんが話した。", ""),
        ("盛岡の図書館で鈴木さんが話した。", NAME),
        ("盛岡の図書館でエジソンの話をした。", NAME),
        ("会では Microsoft の話も出た。", NAME),
        ("会ではパソコンとブログとAIの話も出た。", ""),
        ("会の様子を4つのポイントで見る。\n\n1. 人数\n2. 子ども\n3. 会場\n4. 司会", ""),
        ("## 第2章 会場\n第3に、広さである。ステップ4へ進む。", ""),
        ("二人は十分に楽しみ、一つも文句を言わなかった。", ""),
        ("参加費は500円だった。", NUMBER),
        ("数十人、何百もの声、百科事典、八百屋、三日坊主。", ""),
        ("41 人の会。", NUMBER),
        ("Forty-one people came.", NUMBER),
        ("Forty: that was their number.", NUMBER),
        ("40: 海\n41) 山\n二、川", ""),
        ("CO2やA4の紙、MP3の話。", ""),
        ("", ""),
    ],
)
def test_facts_are_told_from_counts_and_common_words(written: str, expected: str) -> None:
    assert reason(written) == expected


def test_without_sources_nothing_is_said() -> None:
    written = "エジソンは1847年に生まれた。"
    assert Grounding().reason(Made(Document("a", written), written)) == ""


def test_each_fact_counts_once_up_to_the_allowed_number() -> None:
    written = "41人、41人、エジソン、エジソン。"
    assert reason(written, Grounding(most=1)) == NUMBER
    assert reason(written, Grounding(most=2)) == ""
    assert reason("エジソンとロンドン。", Grounding(most=1)) == NAME


def test_numbers_and_names_can_be_left_out() -> None:
    assert reason("41人とエジソン。", Grounding(numbers=False)) == NAME
    assert reason("41人とエジソン。", Grounding(names=False)) == NUMBER
    assert reason("41人とエジソン。", Grounding(names=False, numbers=False)) == ""


def test_sums_and_differences_count_only_if_they_are_allowed() -> None:
    source = "大人は120人、子どもは85人だった。"
    for written, allowed in (("合わせて205人。", ""), ("差は35人。", ""), ("合わせて206人。", NUMBER)):
        assert reason(written, Grounding(), source) == NUMBER
        assert reason(written, Grounding(sums=True), source) == allowed


def test_counts_of_points_are_free_up_to_the_limit() -> None:
    assert reason("7つのコツがある。", Grounding(counts_to=7)) == ""
    assert reason("7つのコツがある。", Grounding(counts_to=6)) == NUMBER
    with pytest.raises(InputError, match="counts_to is 0"):
        Grounding(counts_to=0)
