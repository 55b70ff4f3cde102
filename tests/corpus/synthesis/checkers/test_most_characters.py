import pytest

from tanuki_jax.corpus.synthesis.checkers.most_characters import MostCharacters

CHECKER = MostCharacters(characters=5)


@pytest.mark.parametrize(
    "answer",
    [
        '海',
        '海は広い。',
        '１２３４５',
        '12345',
        '\n海は広い。\n\n',
        '   abcde   ',
        'a b c',
        '海\n山\n川',
        '🌊🌊🌊🌊🌊',
        '```',
    ],
)  # fmt: skip
def test_answers_of_the_form_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '\n\n',
        '海は広いな。',
        '１２３４５６',
        '123456',
        'a b c d',
        '海\n\n山\n川',
        '```\n海\n```',
        '海は 広い。',
        '🌊🌊🌊🌊🌊🌊',
        'abcde.',
        '海は広い。\n以上',
    ],
)  # fmt: skip
def test_other_answers_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)
