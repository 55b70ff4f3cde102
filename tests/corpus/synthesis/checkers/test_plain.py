import pytest

from tanuki_jax.corpus.synthesis.checkers.plain import Plain

CHECKER = Plain()


@pytest.mark.parametrize(
    "answer",
    [
        '海は広い。',
        '海は広い。山は高いのである。',
        '行った。\n',
        'これは本だ。',
        '誰も来なかった！',
        'なぜ空は青いのか。',
        '海へ行こう。',
        '彼は「行きます」と言った。',
        '- 海は広い\n- 山は高い',
        '１２人が来た。',
        '静かだった…',
        '知らないと思うよ。',
        '必要ではない（例外もあります）。',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        '海は広いです。',
        '海は広い。山は高いです。',
        '海は広い。結論。',
        '行きました。',
        '```\n海は広い。\n```',
        '海は広い。\n以上',
        '美しい海',
        '走ること。',
        'まだ子どもでしょう。',
        'お待ちください。',
        '「海は広い」',
        '行きませんよ。',
        '。',
        'The sea is wide.',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
