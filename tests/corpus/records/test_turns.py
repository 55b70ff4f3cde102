import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.records.turns import check, ending_with_answer, message_of
from tanuki_jax.corpus.records.types import Message

LETTERS = {"s": "system", "u": "user", "a": "assistant", "c": "assistant", "t": "tool"}


def turns(letters: str) -> list[Message]:
    """Return one message for each letter, where c is the assistant's with a call; an empty one for a capital."""
    calls = {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]}
    return [
        Message(LETTERS[letter.lower()], "" if letter in "SUACT" else "x", fields=calls if letter in "cC" else {})
        for letter in letters
    ]


@pytest.mark.parametrize("letters", ["ua", "sua", "Sua", "uaua", "suauaua"])
def test_turns_that_alternate_are_a_conversation_or_a_prompt(letters: str) -> None:
    assert check(turns(letters), answered=True) is None
    assert check(turns(letters[:-1]), answered=False) is None


@pytest.mark.parametrize("letters", ["uCta", "suctta", "uCtCta", "uaucta", "uatTa"])
def test_results_of_tools_follow_the_assistant(letters: str) -> None:
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
        ("uta", True, "roles are out of order: turn 2 should be the assistant's"),
        ("uctu", False, "roles are out of order: turn 4 should be the assistant's"),
        ("tua", True, "roles are out of order: turn 1 should be the user's"),
    ],
)
def test_the_fault_of_turns_is_named(letters: str, answered: bool, fault: str) -> None:
    assert check(turns(letters), answered=answered) == fault


@given(letters=st.text("suaSUA", max_size=6), answered=st.booleans())
def test_only_turns_that_alternate_pass(letters: str, answered: bool) -> None:
    rest = letters.removeprefix("s") if letters.startswith("s") else letters.removeprefix("S")
    good = rest == "ua" * (len(rest) // 2) + "u" * (len(rest) % 2) and rest.endswith("a" if answered else "u")
    assert (check(turns(letters), answered=answered) is None) == good


@pytest.mark.parametrize(
    ("turn", "fault"),
    [
        ({"role": "user", "content": "q", "tool_calls": [{"name": "f"}]}, "^a message of the user has tool_calls, and"),
        ({"role": "assistant", "tool_calls": {"name": "f"}}, "^tool_calls of a message must be a list of objects, not"),
        (
            {"role": "assistant", "tool_calls": ["f"]},
            r"^tool_calls of a message must be a list of objects, not \['f'\]$",
        ),
        ({"role": "assistant", "function_call": "f"}, "^function_call of a message must be an object, not 'f'$"),
        ({"role": "assistant", "content": None}, "^a message's content is not text but null$"),
        ({"role": "assistant", "content": None, "tool_calls": []}, "^a message's content is not text but null$"),
    ],
)
def test_a_turn_that_no_template_could_render_is_named(turn: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        message_of(turn)


@pytest.mark.parametrize("name", ["tool", "function", "observation", "ipython"])
def test_a_tool_has_the_names_that_data_sets_give_it(name: str) -> None:
    assert message_of({"from": name, "value": "rain"}) == Message("tool", "rain")


def test_a_content_that_is_missing_stays_missing_for_the_template() -> None:
    call = {"name": "f", "arguments": {}}
    assert message_of({"role": "assistant", "tool_calls": [call]}).turn == {"role": "assistant", "tool_calls": [call]}


def test_a_question_or_result_at_the_end_is_cut() -> None:
    assert [message.role for message in ending_with_answer(tuple(turns("uctau")))] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert [message.role for message in ending_with_answer(tuple(turns("uct")))] == ["user", "assistant"]
