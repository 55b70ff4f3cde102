import pytest

from tanuki_jax.corpus.synthesis.checkers.uppercase_english import UppercaseEnglish

CHECKER = UppercaseEnglish()


@pytest.mark.parametrize(
    "answer",
    [
        'THE SEA IS WIDE.',
        'YES',
        'A',
        '\nTHE SEA.\n',
        'IT IS 3 PM.',
        '"WHY?" HE ASKED.',
        'ONE, TWO: THREE!',
        'R&D IS FUN',
        'I AM HERE…\nSO ARE YOU.',
        'GO - NOW',
        'IT’S OK',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        'The sea is wide.',
        'THE SEA IS wIDE.',
        'yes',
        '123',
        '...',
        'ＴＨＥ ＳＥＡ',
        'THE 海',
        'ÉTÉ',
        '```\nTHE SEA\n```',
        'THE SEA.\nThat is all.',
        'ＳEA',
        'αΒΓ',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
