import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.checkers.bullet_list import BulletList
from tanuki_jax.corpus.synthesis.checkers.listed_lines import begins, written_lines

CHECKER = BulletList(sign="- ", items=2)


@pytest.mark.parametrize(
    "answer",
    [
        '- 海\n- 山',
        '- 海\n\n- 山',
        '\n- 海\n- 山\n',
        '- 海 \n- 山 ',
        '- １\n- ２',
        '- a\n- b',
        '- - 海\n- 山',
        '- 海\r\n- 山',
        '- `x`\n- y',
        '- 海。\n- 山。',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '- 海',
        '-海\n-山',
        '- 海\n- ',
        '-  海\n- 山',
        '- 海\n-\n山',
        'ー 海\nー 山',
        '－ 海\n－ 山',
        '```\n- 海\n- 山\n```',
        '- 海\n- 山\n終わり',
        '- 海\n * 山',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


def test_blank_lines_are_left_out() -> None:
    assert written_lines("a \n\n \t\nb") == ["a", "b"]
    assert begins("- a", "- ") and not begins("- ", "- ") and not begins("a", "- ")


def test_a_list_has_two_items_or_more() -> None:
    with pytest.raises(InputError, match="items is 1, and must be at least 2"):
        BulletList(sign="- ", items=1)
