import dataclasses
from random import Random

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.checkers.most_characters import MostCharacters
from tanuki_jax.corpus.synthesis.checkers.one_line import OneLine


def test_white_space_around_an_answer_is_free_and_it_alone_obeys_nothing() -> None:
    assert MostCharacters(characters=1).obeyed(" \n　a\t\n")
    assert not MostCharacters(characters=1).obeyed(" \n　\t\n")


def test_the_wording_is_drawn_and_belongs_to_the_command() -> None:
    texts = {OneLine(wording=number).text("ja") for number in range(10)}
    assert texts == set(OneLine.WORDINGS["ja"])
    assert OneLine(wording=1).text("en") == OneLine(wording=1).text("en") == OneLine.WORDINGS["en"][1]
    assert {OneLine.draw(Random(seed), "ja").text("ja") for seed in range(40)} == texts


def test_fields_have_limits() -> None:
    with pytest.raises(InputError, match="characters is 0, and must be above 0"):
        MostCharacters(characters=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        MostCharacters(characters=1).characters = 2  # type: ignore[misc]
