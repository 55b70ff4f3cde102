import pytest

from tanuki_jax.corpus.synthesis.checkers.bullet_list import BulletList, Sign

CHECKER = BulletList(sign="・", items=3)


@pytest.mark.parametrize(
    "answer",
    [
        '・海\n・山\n・川',
        '・海\n\n・山\n\n・川',
        '\n・海\n・山\n・川\n\n',
        '・海。\n・山。\n・川。',
        '・１つ\n・２つ\n・３つ',
        '・a\n・b\n・c',
        '・海 \n・山 \n・川 ',
        '・海・空\n・山・丘\n・川・池',
        '・「海」\n・（山）\n・川：長い',
        '・```\n・x\n・y',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n\n',
        '・海\n・山',
        '・海\n・山\n・川\n・空',
        '- 海\n- 山\n- 川',
        '･海\n･山\n･川',
        '・ 海\n・ 山\n・ 川',
        '```\n・海\n・山\n・川\n```',
        '・海\n・山\n・川\n以上です。',
        '次の三つです。\n・海\n・山\n・川',
        '・海\n・山\n・',
        '・海・山・川',
        '\u3000・海\n\u3000・山\n\u3000・川\n海',
        '・海\n  ・山\n・川',
        '•海\n•山\n•川',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


@pytest.mark.parametrize("sign", ["- ", "* ", "● ", "◆ ", "→ ", "※"])
def test_each_sign_is_its_own(sign: Sign) -> None:
    checker = BulletList(sign=sign, items=2)
    assert checker.obeyed(f"{sign}海\n{sign}山")
    assert not checker.obeyed("・海\n・山")
    assert not checker.obeyed(f"{sign.strip()}\n{sign}山")
    assert not sign.endswith(" ") or not checker.obeyed(f"{sign.strip()}海\n{sign.strip()}山")
