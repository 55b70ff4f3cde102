import pytest

from tanuki_jax.corpus.synthesis.checkers.comma_separated import CommaSeparated

CHECKER = CommaSeparated(items=3, comma="、")


@pytest.mark.parametrize(
    "answer",
    [
        '海、山、川',
        '海、 山、 川',
        '\n海、山、川\n',
        '赤い海、高い山、長い川',
        '１、２、３',
        'a、b、c',
        '海 、山 、川',
        '「海」、「山」、「川」',
        '海（青）、山（緑）、川',
        'いぬ、ねこ、うさぎ   ',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n',
        '海、山',
        '海、山、川、空',
        '海、山、川。',
        '海,山,川',
        '海、山,川',
        '海，山，川',
        '海、山、',
        '海、、川',
        '海、山、海',
        '海、山\n川',
        '答え：海、山、川',
        '```\n海、山、川\n```',
        '海、山、川です。',
        '海 山 川',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


def test_half_width_commas_are_another_kind() -> None:
    checker = CommaSeparated(items=3)
    assert checker.obeyed("sea, hill, river") and checker.obeyed("sea,hill,river\n")
    assert not checker.obeyed("sea、hill、river")
    assert not checker.obeyed("sea, hill, river.")
    assert not checker.obeyed("Answer: sea, hill, river")
