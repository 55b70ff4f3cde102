from random import Random

import pytest

from tanuki_jax.corpus.synthesis.checkers.begins_with import BeginsWith
from tanuki_jax.corpus.synthesis.checkers.edge_phrase import EdgePhrase
from tanuki_jax.corpus.synthesis.checkers.ends_with import EndsWith

CHECKER = EndsWith(phrase="The end")


@pytest.mark.parametrize(
    "answer",
    [
        'Rain fell. The end',
        'Rain fell.\nThe end\n',
        'a The end',
        '１ The end',
        '  Rain. The end  ',
        'The end The end',
        'x\n\nThe end',
        '```x``` The end',
        '雨。The end',
        'Rain: The end',
    ],
)  # fmt: skip
def test_an_answer_with_the_phrase_obeys(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        'The end',
        'The end.',
        'Rain fell. The end.',
        'Rain fell. the end',
        'Rain fell. THE END',
        'The end of rain',
        'Rain fell. The  end',
        'Rain fell. The end 1',
        '```\nRain. The end\n```',
        'Rain fell. Ｔhe end',
    ],
)  # fmt: skip
def test_a_phrase_is_exact(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


def test_phrases_are_drawn_by_language() -> None:
    for kind in (BeginsWith, EndsWith):
        assert issubclass(kind, EdgePhrase)
        for language, phrases in kind.PHRASES.items():
            drawn = {kind.draw(Random(seed), language).phrase for seed in range(200)}
            assert drawn == set(phrases) and len(drawn) >= 5
