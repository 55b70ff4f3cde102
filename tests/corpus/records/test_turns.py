import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.records.turns import check
from tanuki_jax.corpus.records.types import Message

LETTERS = {"s": "system", "u": "user", "a": "assistant"}


def turns(letters: str) -> list[Message]:
    """One message a letter; an empty one for a capital."""
    return [Message(LETTERS[letter.lower()], "" if letter.isupper() else "x") for letter in letters]


@pytest.mark.parametrize("letters", ["ua", "sua", "Sua", "uaua", "suauaua"])
def test_turns_that_alternate_are_a_conversation_and_a_prompt_without_the_last_one(letters: str) -> None:
    assert check(turns(letters), answered=True) is None
    assert check(turns(letters[:-1]), answered=False) is None


@pytest.mark.parametrize(
    ("letters", "answered", "wrong"),
    [
        ("", True, "the conversation has no turns"),
        ("s", False, "the conversation has no turns"),
        ("u", True, "the conversation has no turn of the assistant"),
        ("uau", True, "the last turn is not the assistant's"),
        ("ua", False, "the last turn is not the user's"),
        ("au", False, "roles are out of order: turn 1 should be the user's"),
        ("saua", True, "roles are out of order: turn 2 should be the user's"),
        ("uua", True, "roles are out of order: turn 2 should be the assistant's"),
        ("usa", True, "a system message does not stand first"),
        ("ssua", True, "a system message does not stand first"),
        ("uAua", True, "turn 2, the assistant's, is empty"),
        ("sUa", True, "turn 2, the user's, is empty"),
    ],
)
def test_what_is_wrong_is_said_in_a_few_words(letters: str, answered: bool, wrong: str) -> None:
    assert check(turns(letters), answered=answered) == wrong


@given(letters=st.text("suaSUA", max_size=6), answered=st.booleans())
def test_nothing_else_passes(letters: str, answered: bool) -> None:
    rest = letters.removeprefix("s") if letters.startswith("s") else letters.removeprefix("S")
    good = rest == "ua" * (len(rest) // 2) + "u" * (len(rest) % 2) and rest.endswith("a" if answered else "u")
    assert (check(turns(letters), answered=answered) is None) == good
