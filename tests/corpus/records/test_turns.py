import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.records.turns import check
from tanuki_jax.corpus.records.types import Message

LETTERS = {"s": "system", "u": "user", "a": "assistant"}


def turns(letters: str) -> list[Message]:
    """Return one message for each letter; an empty one for a capital."""
    return [Message(LETTERS[letter.lower()], "" if letter.isupper() else "x") for letter in letters]


@pytest.mark.parametrize("letters", ["ua", "sua", "Sua", "uaua", "suauaua"])
def test_turns_that_alternate_are_a_conversation_or_a_prompt(letters: str) -> None:
    assert check(turns(letters), answered=True) is None
    assert check(turns(letters[:-1]), answered=False) is None


@pytest.mark.parametrize(
    ("letters", "answered", "fault"),
    [
        ("", True, "the conversation has no turns"),
        ("s", False, "the conversation has no turns"),
        ("u", True, "the conversation has no turn of the assistant"),
        ("uau", True, "the last turn is not the assistant's"),
        ("ua", False, "the last turn is not the user's"),
        ("au", False, "roles are out of order: turn 1 should be the user's"),
        ("saua", False, "roles are out of order: turn 2 should be the user's"),
        ("aau", True, "roles are out of order: turn 2 should be the user's"),
        ("uua", True, "roles are out of order: turn 2 should be the assistant's"),
        ("usa", True, "a system message is not the first message"),
        ("ssua", True, "a system message is not the first message"),
        ("uAua", True, "turn 2, the assistant's, is empty"),
        ("sUa", True, "turn 2, the user's, is empty"),
    ],
)
def test_the_fault_of_turns_is_named(letters: str, answered: bool, fault: str) -> None:
    assert check(turns(letters), answered=answered) == fault


@given(letters=st.text("suaSUA", max_size=6), answered=st.booleans())
def test_only_turns_that_alternate_pass(letters: str, answered: bool) -> None:
    rest = letters.removeprefix("s") if letters.startswith("s") else letters.removeprefix("S")
    good = rest == "ua" * (len(rest) // 2) + "u" * (len(rest) % 2) and rest.endswith("a" if answered else "u")
    assert (check(turns(letters), answered=answered) is None) == good
