import pytest

from tanuki_jax.corpus.synthesis.checkers.numbered_list import NumberedList

CHECKER = NumberedList(items=3)


@pytest.mark.parametrize(
    "answer",
    [
        '1. 海\n2. 山\n3. 川',
        '1. 海\n\n2. 山\n\n3. 川\n',
        '\n1. 海\n2. 山\n3. 川\n\n\n',
        '1. a\n2. b\n3. c',
        '1. １個\n2. ２個\n3. ３個',
        '1. 海。\n2. 山。\n3. 川。',
        '1. **海**：広い\n2. **山**：高い\n3. **川**：長い',
        '1. 2024年\n2. 3. 4.\n3. 10',
        '1. 海 \n2. 山\t\n3. 川',
        '1. `x`\n2. `y`\n3. `z`',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        ' ',
        '1. 海\n2. 山',
        '1. 海\n2. 山\n3. 川\n4. 空',
        '１. 海\n２. 山\n３. 川',
        '1．海\n2．山\n3．川',
        '```\n1. 海\n2. 山\n3. 川\n```',
        '1. 海\n2. 山\n3. 川\n以上です。',
        '以下の通りです。\n1. 海\n2. 山\n3. 川',
        '1. 海\n1. 山\n1. 川',
        '1) 海\n2) 山\n3) 川',
        '1.海\n2.山\n3.川',
        '1. 海\n2. 山\n3. ',
        '1. 海\n2. 山\n   高い山\n3. 川',
        '3. 海\n2. 山\n1. 川',
        '- 海\n- 山\n- 川',
        '1. 海 2. 山 3. 川',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
