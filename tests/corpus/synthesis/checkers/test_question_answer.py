import pytest

from tanuki_jax.corpus.synthesis.checkers.question_answer import QuestionAnswer

CHECKER = QuestionAnswer(pairs=2)


@pytest.mark.parametrize(
    "answer",
    [
        'Q: 海は何色？\nA: 青い。\nQ: 山は？\nA: 緑。',
        'Q: 海は何色？\nA: 青い。\n\nQ: 山は？\nA: 緑。\n',
        'Q: a\nA: b\nQ: c\nA: d',
        '\n\nQ: a\nA: b\nQ: c\nA: d\n\n\n',
        'Q: 1+1は？\nA: 2\nQ: ２＋２は？\nA: ４',
        'Q: a \nA: b \nQ: c \nA: d ',
        'Q: A: とは？\nA: 答えの印。\nQ: Q: とは？\nA: 質問の印。',
        'Q: `x`とは？\nA: 変数。\nQ: 次は？\nA: なし。',
        'Q: a\n\nA: b\n\nQ: c\n\nA: d',
        '  Q: a\nA: b\nQ: c\nA: d',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        'Q: a\nA: b',
        'Q: a\nA: b\nQ: c\nA: d\nQ: e\nA: f',
        'Q：a\nA：b\nQ：c\nA：d',
        'Ｑ: a\nＡ: b\nＱ: c\nＡ: d',
        '```\nQ: a\nA: b\nQ: c\nA: d\n```',
        'Q: a\nA: b\nQ: c\nA: d\n以上です。',
        'はい。\nQ: a\nA: b\nQ: c\nA: d',
        'Q: a\nQ: c\nA: b\nA: d',
        'Q: a\nA:\nQ: c\nA: d',
        'Q:a\nA:b\nQ:c\nA:d',
        'Q1: a\nA1: b\nQ2: c\nA2: d',
        'Q: a\nA: b\n続き\nQ: c\nA: d',
        'q: a\na: b\nq: c\na: d',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
