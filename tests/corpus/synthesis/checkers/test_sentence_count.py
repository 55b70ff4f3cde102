import pytest

from tanuki_jax.corpus.synthesis.checkers.sentence_count import SentenceCount

CHECKER = SentenceCount(sentences=2)


@pytest.mark.parametrize(
    "answer",
    [
        '海は広い。山は高い。',
        '海は広い！山は高い？',
        '海は広い\n山は高い',
        '海は広い。\n山は高い。\n\n',
        '海は広い。山は高い',
        'The sea is wide. Hills are high.',
        'Mr. Smith came. He left at 3.5 p.m.',
        '彼は「行く。必ず行く。」と言った。そして去った。',
        '値は3.14です。１０です。',
        '本当に？！はい……。',
        '(Yes.) It is. So it is.',
        'Wow!! Really?',
        '海は広い（とても。本当に。）。山は高い。',
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
        '海は広い。山は高い。川は長い。',
        '海は広い。山は高い。以上です。',
        '```\n海は広い。山は高い。\n```',
        'The sea is wide.',
        'One. Two. Three.',
        '海\n山\n川',
        '海は広い、山は高い。',
        '。。',
        '１。２。３。',
        '「海は広い。山は高い。」',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
