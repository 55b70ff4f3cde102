import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.checkers.begins_with import BeginsWith

CHECKER = BeginsWith(phrase="実は、")


@pytest.mark.parametrize(
    "answer",
    [
        '実は、海が好きです。',
        '\n実は、海が好きです。',
        '  実は、海。',
        '実は、\n海が好きです。',
        '実は、実は、海。',
        '実は、１',
        '実は、a',
        '実は、海が好きです。\n\n',
        '実は、```x```',
        '実は、 海',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        '実は、',
        '実は、 \n',
        '実は海が好きです。',
        '海が好きです。実は、そうです。',
        '「実は、海が好きです」',
        '```\n実は、海\n```',
        '実は,海が好きです。',
        'じつは、海が好きです。',
        'はい。\n実は、海です。',
        '**実は、**海です。',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


def test_a_phrase_has_a_character_besides_white_space() -> None:
    assert BeginsWith(phrase=" In short, ").obeyed("In short, yes.")
    assert not BeginsWith(phrase="In short,").obeyed("in short, yes.")
    with pytest.raises(InputError, match="phrase is empty"):
        BeginsWith(phrase=" ")
