import pytest

from tanuki_jax.corpus.synthesis.checkers.only_hiragana import OnlyHiragana

CHECKER = OnlyHiragana()


@pytest.mark.parametrize(
    "answer",
    [
        'うみはひろい。',
        'うみ',
        'うみは、ひろい！',
        '\nうみはひろい。\n',
        '「うみ」といった。',
        'らーめん',
        'うみ\nやま',
        'うみ\u3000やま',
        'うみ・やま',
        'ぁぃぅ',
        'すゞ',
        'うみ…',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        '。、',
        '海はひろい。',
        'ウミはひろい。',
        'うみはひろい1',
        'うみはひろい１',
        'うみはひろいa',
        'ｳﾐ',
        '```\nうみ\n```',
        'うみはひろい。以上です。',
        'うみ, やま',
        'ー',
        'うみ🌊',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
