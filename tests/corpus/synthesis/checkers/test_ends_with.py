import pytest

from tanuki_jax.corpus.synthesis.checkers.ends_with import EndsWith

CHECKER = EndsWith(phrase="以上です。")


@pytest.mark.parametrize(
    "answer",
    [
        '海は広い。以上です。',
        '海は広い。\n以上です。',
        '海は広い。以上です。\n\n',
        '  海。以上です。  ',
        '12以上です。',
        '１、以上です。',
        '以上です。以上です。',
        '```x```\n以上です。',
        'a以上です。',
        '海\n\n\n以上です。',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        '以上です。',
        '\n以上です。',
        '海は広い。以上です',
        '海は広い。以上です！',
        '海は広い。以上です。またね。',
        '以上です。海は広い。',
        '海は広い。「以上です。」',
        '```\n海。以上です。\n```',
        '海は広い。以上です｡',
        '海は広い。いじょうです。',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
