from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.records.preferences import pair_of, rating_of
from tanuki_jax.corpus.records.types import Message, TeachesNothing

SYSTEM, QUESTION = Message("system", "s"), Message("user", "q")
EARLIER = (Message("user", "p"), Message("assistant", "b"))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(lambda text: bool(text.strip()))


def openai(*messages: Message) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def sharegpt(*messages: Message) -> list[dict[str, str]]:
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    return [{"from": names[message.role], "value": message.content} for message in messages]


def forms(prompt: tuple[Message, ...], chosen: str, rejected: str) -> list[dict[str, object]]:
    """Return a pair in each of the forms that data sets use."""
    better, worse = Message("assistant", chosen), Message("assistant", rejected)
    answers = {"chosen": openai(better), "rejected": openai(worse)}
    complete: dict[str, object] = {"chosen": openai(*prompt, better), "rejected": openai(*prompt, worse)}
    return [
        {"prompt": openai(*prompt), "chosen": chosen, "rejected": rejected},
        {"prompt": openai(*prompt), **answers},
        {"prompt": openai(*prompt), **complete},
        {"prompt": None, "messages": openai(*prompt, better), **complete},
        {"messages": openai(*prompt), **answers},
        {"conversations": sharegpt(*prompt), "chosen": sharegpt(better)[0], "rejected": sharegpt(worse)[0]},
        {"conversations": sharegpt(*prompt), "chosen": chosen, "rejected": rejected},
        complete,
    ]


@given(prompt=st.tuples(TEXT, TEXT), system=st.booleans(), chosen=TEXT, rejected=TEXT)
def test_every_form_gives_the_same_pair(prompt: tuple[str, str], system: bool, chosen: str, rejected: str) -> None:
    turns = (*((SYSTEM,) if system else ()), Message("user", prompt[0]), Message("assistant", prompt[1]), QUESTION)
    for row in forms(turns, chosen, rejected + chosen):
        assert pair_of(row) == (turns, chosen, rejected + chosen)


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        ({"prompt": "q"}, (QUESTION,)),
        ({"prompt": "q", "system": "s"}, (SYSTEM, QUESTION)),
        ({"instruction": "q", "input": "i"}, (Message("user", "q\ni"),)),
        ({"instruction": "q", "history": [["p", "b"]], "system": "s"}, (SYSTEM, *EARLIER, QUESTION)),
        ({"conversations": sharegpt(QUESTION), "system": "s"}, (SYSTEM, QUESTION)),
        ({"prompt": openai(QUESTION), "system": "s"}, (SYSTEM, QUESTION)),
    ],
)
def test_the_prompt_of_plain_answers_is_in_a_field(row: dict[str, object], prompt: tuple[Message, ...]) -> None:
    assert pair_of(row | {"chosen": "a", "rejected": "b"}) == (prompt, "a", "b")


def test_a_prompt_field_may_omit_the_system_message_of_the_answers() -> None:
    chosen, rejected = (openai(SYSTEM, QUESTION, Message("assistant", text)) for text in "ab")
    assert pair_of({"prompt": "q", "chosen": chosen, "rejected": rejected}) == ((SYSTEM, QUESTION), "a", "b")


@pytest.mark.parametrize("prompt", [None, "q", openai(QUESTION), openai(SYSTEM, QUESTION)])
def test_answers_with_their_prompts_may_have_a_system_field(prompt: object) -> None:
    chosen, rejected = (openai(QUESTION, Message("assistant", text)) for text in "ab")
    assert pair_of({"system": "s", "prompt": prompt, "chosen": chosen, "rejected": rejected}) == (
        (SYSTEM, QUESTION),
        "a",
        "b",
    )


GOOD: dict[str, object] = {"prompt": "q", "chosen": "a", "rejected": "b"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"chosen": None}, "^no chosen answer among 'prompt', 'rejected'$"),
        ({"rejected": None}, "^no rejected answer among 'prompt', 'chosen'$"),
        ({"prompt": None}, "^no prompt among 'chosen', 'rejected'$"),
        ({"prompt": 3}, "^the prompt is neither text nor messages but of type int$"),
        ({"prompt": " "}, "^the prompt: turn 1, the user's, is empty$"),
        ({"prompt": openai(*EARLIER)}, "^the prompt: the last turn is not the user's$"),
        ({"prompt": []}, "^the conversation has no messages$"),
        ({"chosen": "b"}, "^chosen equals rejected$"),
        ({"chosen": ""}, "^the chosen answer is empty$"),
        ({"rejected": "\n"}, "^the rejected answer is empty$"),
        ({"chosen": []}, "^the chosen answer is neither text nor messages but of type list$"),
        ({"rejected": 2}, "^the rejected answer is neither text nor messages but of type int$"),
        ({"chosen": openai(QUESTION)}, "^the chosen answer is not the assistant's$"),
        ({"chosen": openai(*EARLIER), "rejected": openai(QUESTION, EARLIER[1])}, "do not begin with the same prompt$"),
        (
            {"chosen": openai(*EARLIER), "rejected": openai(EARLIER[0], Message("assistant", "c"))},
            "^the field 'prompt' differs from the prompt with which the answers begin$",
        ),
    ],
)
def test_the_fault_of_a_pair_is_named(change: Mapping[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        pair_of(GOOD | dict(change))


def test_dialogues_of_hh_are_turns() -> None:
    first = {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b\n\nand more"}
    assert pair_of(first) == ((QUESTION,), "a", "b\n\nand more")
    prompt = "\n\nHuman: p\n\nAssistant: b\n\nHuman: q\n\nAssistant:"
    assert pair_of({"prompt": prompt, "chosen": " a", "rejected": " c"}) == ((*EARLIER, QUESTION), "a", "c")
    assert pair_of({"prompt": "Human: q", "chosen": " a", "rejected": "c"})[:2] == (
        (Message("user", "Human: q"),),
        " a",
    )
    with pytest.raises(ValueError, match=r"^the rejected answer is not the assistant's$"):
        pair_of(first | {"rejected": "\n\nHuman: q"})


def test_equal_answers_are_no_fault() -> None:
    with pytest.raises(TeachesNothing):
        pair_of(GOOD | {"chosen": "b"})


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"prompt": "q", "completion": "a", "label": True}, ((QUESTION,), "a", True)),
        ({"prompt": "q", "completion": "a", "label": 0}, ((QUESTION,), "a", False)),
        (
            {
                "prompt": [{"role": "user", "content": "q"}],
                "completion": [{"role": "assistant", "content": "a"}],
                "label": False,
            },
            ((QUESTION,), "a", False),
        ),
    ],
)
def test_a_rated_answer_has_the_forms_of_trl(
    row: dict[str, object], expected: tuple[tuple[Message, ...], str, bool]
) -> None:
    assert rating_of(row) == expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"label": None}, "^the label of a completion must be true or false, not None$"),
        ({"label": "good"}, "^the label of a completion must be true or false, not 'good'$"),
        ({"label": 0.5}, "^the label of a completion must be true or false, not 0.5$"),
        ({"completion": " "}, "^the completion answer is empty$"),
        ({"prompt": None}, "^no prompt among 'completion', 'label'$"),
    ],
)
def test_the_fault_of_a_rated_answer_is_named(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rating_of({"prompt": "q", "completion": "a", "label": True} | change)


def test_an_answer_that_calls_tools_is_refused() -> None:
    answer = {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]}
    with pytest.raises(ValueError, match=r"^the chosen answer has tool_calls, which only chats are read with$"):
        pair_of({"prompt": "q", "chosen": [answer], "rejected": "b"})
