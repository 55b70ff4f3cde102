import pytest

from tanuki_jax.corpus.synthesis.checkers.word_times import WordTimes

CHECKER = WordTimes(word="自然", times=2)


@pytest.mark.parametrize(
    "answer",
    [
        '自然は自然だ。',
        '自然、自然',
        '自然と不自然',
        '\n自然は広い。自然は青い。\n',
        '自然自然',
        '「自然」と「自然」',
        '自然1自然２',
        '大自然の中の自然',
        '```自然 自然```',
        '自然\n\n自然',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        '自然',
        '自然は広い。',
        '自然、自然、自然',
        'しぜん、しぜん',
        '自 然 自 然',
        '自然とシゼン',
        '自\n然自然',
        '自然自然自然自然',
        'nature nature',
        '自燃、自燃',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
