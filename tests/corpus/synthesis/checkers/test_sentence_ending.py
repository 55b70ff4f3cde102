import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.checkers.sentence_ending import SentenceEnding

CHECKER = SentenceEnding(ending="にゃ")


@pytest.mark.parametrize(
    "answer",
    [
        '海は広いにゃ。',
        '海は広いにゃ！山も高いにゃ？',
        '海は広いにゃ\n',
        '\n海は広いにゃ。\n\n山は高いにゃ。\n',
        '魚が好きだにゃ…',
        '「行くぞ」と言ったにゃ。',
        '・海だにゃ\n・山だにゃ',
        '１２匹いるにゃ♪',
        'にゃにゃにゃ。',
        '海だにゃ（広い）。',
        'そうにゃー',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        '海は広い。',
        '海は広いにゃ。山は高い。',
        '海は広いニャ。',
        '海は広いにゃん。',
        '海は広いにゃ。以上です。',
        '```\n海は広いにゃ。\n```',
        'にゃ、海は広い。',
        '「海は広いにゃ」',
        '海は広いにゃ。\n12',
        '海は広いにや。',
        '海は広いﾆｬ。',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


@pytest.mark.parametrize("ending", ["", "にゃ。", "に ゃ", "だ！"])
def test_an_ending_has_no_punctuation(ending: str) -> None:
    with pytest.raises(InputError, match="must be characters without punctuation"):
        SentenceEnding(ending=ending)
