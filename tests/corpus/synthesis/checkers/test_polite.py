import pytest

from tanuki_jax.corpus.synthesis.checkers.polite import Polite

CHECKER = Polite()


@pytest.mark.parametrize(
    "answer",
    [
        '海は広いです。',
        '海は広いです。山も高いです！',
        '行きました\n',
        '海へ行きませんか？',
        'とても楽しかったですね。また行きましょう。',
        '少しお待ちください。',
        '彼は「行くぞ」と言いました。',
        '- 海は広いです\n- 山は高いです',
        '海は青いでしょう…',
        '便利ですが（例外もある）、高いです（税込）。',
        '１２人が来ました。',
        'それはそうですよね。',
        '私は行きませんでした。',
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
        '海は広いです。山は高い。',
        '海は広いです。結論。',
        '海である。',
        '```\n海は広いです。\n```',
        '海は広いです。\n以上',
        'です調とは何か。',
        '海は広いと思う。',
        '行ったことがあるんだ。',
        '「海は広いです」',
        '海は広いです。１２',
        'Yes, it is.',
        '。。。',
        '行くでござる。',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
