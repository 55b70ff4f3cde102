import pytest

from tanuki_jax.corpus.synthesis.checkers.ended_sentences import sentence_ends
from tanuki_jax.corpus.synthesis.checkers.polite import Polite

CHECKER = Polite()


@pytest.mark.parametrize(
    "answer",
    [
        '海です。',
        '海です',
        '海です！！',
        '海です。（山）',
        '海です…。',
        '* 海です',
        '1. 海です\n2. 山です',
        '# 海です',
        '海です♪',
        '「海。山。」です。',
        '『海』（山。川）です。',
    ],
)  # fmt: skip
def test_marks_do_not_hide_the_end_of_a_sentence(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '。',
        '「海です」',
        '（海です）',
        '海',
        'です。海',
        '```海です```',
        '海です。1',
        '海です。a',
        '海です。山',
        '*海*',
    ],
)  # fmt: skip
def test_a_sentence_needs_its_own_end(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("海は広い。山は高い！", ["海は広い", "山は高い"]),
        ("「行く。」と言った。", ["「」と言った"]),
        ("海（うみ）。\n\n・山…\n2. 川", ["海", "山", "川"]),
        ("「海」。", []),
        ("", []),
    ],
)
def test_quotations_and_marks_are_no_part_of_sentences(text: str, ends: list[str]) -> None:
    assert sentence_ends(text) == ends
