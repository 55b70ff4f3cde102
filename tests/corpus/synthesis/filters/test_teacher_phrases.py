import pytest

from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.filters.proper_names import VOCABULARIES
from tanuki_jax.corpus.synthesis.filters.teacher_phrases import TeacherPhrases, read_patterns
from tanuki_jax.corpus.synthesis.made import Made
from tests.corpus.synthesis.filters.planted_cases import by_hand, from_frames, measure
from tests.corpus.synthesis.filters.teacher_phrases_frames import EACH, FRAMES, fill

BEGINS, ENDS, HAS = (f"{verb} a phrase of an assistant" for verb in ("begins with", "ends with", "has"))
BODY = "川は山から流れ出て、平野を潤し、海へ注ぐ。" * 12


def reason(written: str) -> str:
    return TeacherPhrases().reason(Made(Document("a", written), written))


@pytest.mark.parametrize("held_out", [False, True])
def test_19_in_20_planted_phrases_are_found_and_19_in_20_finds_right(held_out: bool) -> None:
    cases = [*from_frames(FRAMES, fill, EACH, seed=7), *by_hand("teacher_phrases")]
    assert len(cases) >= 300
    measured = measure([case for case in cases if case.held_out == held_out], TeacherPhrases())
    assert measured.cases >= 100
    assert measured.precision >= 0.95, measured.wrong
    assert measured.recall >= 0.95, measured.wrong


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f"承知しました。{BODY}", BEGINS),
        (f"{BODY}\n彼は「はい」と言った。承知しました。\n{BODY}", ""),
        (f"Sure! Here is a text.\n{BODY}", BEGINS),
        (f"{BODY}\n\nお役に立てれば幸いです。", ENDS),
        (f"お役に立てれば幸いです。\n{BODY}", ""),
        (f"{BODY}\n[あなたの名前]\n{BODY}", HAS),
        (f"{BODY}\n```\n[名前]\nvalue = 1\n```\n{BODY}", ""),
        (f"{BODY}\n> 私は言語モデルなので、回答できません。\n{BODY}", ""),
        (f"{BODY}\n私は言語モデルなので、回答できません。\n{BODY}", HAS),
        (f"石を題に書いてみました。\n\n{BODY}", BEGINS),
        (f"石を題に書いてみました。{BODY}", ""),
        (f"石を題に絵を飾りました。\n\n{BODY}", ""),
        (f"石を題に書いてみました。\n\n{BODY.replace('。', 'のです。')}", ""),
        (f"{BODY}\n\nもっと短くすることもできますので、必要ならお知らせください。", ENDS),
        ("その質問にはお答えできません。", BEGINS),
        ("資料が足りず、要約は作れません。", "refuses or says that nothing is known"),
        (f"資料が足りず、要約は作れません。{BODY}", ""),
        (BODY, ""),
        ("", ""),
    ],
)
def test_the_place_of_a_phrase_matters(written: str, expected: str) -> None:
    assert reason(written) == expected


def test_every_pattern_is_below_a_place() -> None:
    for language in ("ja", "en"):
        found = read_patterns(VOCABULARIES / f"teacher_phrases_{language}.txt")
        assert all(len(patterns) >= 3 for patterns in found.values()), found


@pytest.mark.parametrize("unit", ["以下に、", "AIとして、", "[", "「", "```\n", "もし他に", "\n", "a ", "note: "])
def test_long_texts_of_one_unit_are_read_in_linear_time(unit: str) -> None:
    assert reason(unit * 20_000) in ("", BEGINS, ENDS, HAS)
