import pytest

from tanuki_jax.corpus.synthesis.checkers.one_line import OneLine

CHECKER = OneLine()


@pytest.mark.parametrize(
    "answer",
    [
        '海は広い。',
        '海は広い。山は高い。',
        '海\n',
        '\n\n海は広い。\n',
        'a',
        '１',
        '  海  ',
        '海、山、川',
        '`x = 1`',
        '海\t山',
        '海\u3000山',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        ' \n ',
        '海\n山',
        '海\n\n山',
        '海\r\n山',
        '海\r山',
        '```\n海\n```',
        '海は広い。\n以上です。',
        '1. 海\n2. 山',
        '海\u2028山',
        '海\x0b山',
        '海\x85山',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
