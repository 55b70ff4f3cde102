import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.checkers.word_occurrences import check_word
from tanuki_jax.corpus.synthesis.checkers.word_times import WordTimes

CHECKER = WordTimes(word="nature", times=1)


@pytest.mark.parametrize(
    "answer",
    [
        'nature',
        'Nature is wide.',
        'NATURE!',
        'The nature of it.',
        '自然はnatureと言う。',
        'nature1',
        '"nature"',
        'nature\n',
        '\n nature',
        'natures and nature',
        'super-nature',
    ],
)  # fmt: skip
def test_a_word_counts_as_a_whole_in_any_case(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        'natural',
        'natures',
        'signature',
        'nature, nature',
        'Nature and nature.',
        'n ature',
        'ｎature',
        '自然',
        'naturenature',
        'nature\nNATURE',
    ],
)  # fmt: skip
def test_parts_of_words_do_not_count(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


def test_a_word_has_characters_and_no_white_space_around_it() -> None:
    check_word("word", "海の 色")
    for word in ("", " ", " 海", "海\n"):
        with pytest.raises(InputError, match="must have characters"):
            check_word("word", word)
