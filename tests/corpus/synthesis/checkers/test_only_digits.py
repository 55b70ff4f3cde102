import pytest

from tanuki_jax.corpus.synthesis.checkers.only_digits import OnlyDigits

CHECKER = OnlyDigits()


@pytest.mark.parametrize(
    "answer",
    [
        '1',
        '42',
        '007',
        '1234567890',
        '\n42\n',
        '  42  ',
        '0',
        '10000',
        '99999999999999999999',
        '3\n\n',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        '４２',
        '42個',
        '42。',
        '1,000',
        '3.5',
        '-1',
        '+1',
        '４2',
        '4 2',
        '4\n2',
        '```\n42\n```',
        '答えは42',
        '四十二',
        '²',
        '42 です',
        '٤٢',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
