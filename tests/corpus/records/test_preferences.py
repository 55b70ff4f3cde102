from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.records.preferences import pair_of
from tanuki_jax.corpus.records.types import Message

SYSTEM, ASKED = Message("system", "s"), Message("user", "q")
EARLIER = (Message("user", "p"), Message("assistant", "b"))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(lambda text: bool(text.strip()))


def openai(*messages: Message) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def sharegpt(*messages: Message) -> list[dict[str, str]]:
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    return [{"from": names[message.role], "value": message.content} for message in messages]


def forms(prompt: tuple[Message, ...], chosen: str, rejected: str) -> list[dict[str, object]]:
    """One pair in each of the forms that data sets have."""
    better, worse = Message("assistant", chosen), Message("assistant", rejected)
    answers = {"chosen": openai(better), "rejected": openai(worse)}
    whole: dict[str, object] = {"chosen": openai(*prompt, better), "rejected": openai(*prompt, worse)}
    return [
        {"prompt": openai(*prompt), "chosen": chosen, "rejected": rejected},
        {"prompt": openai(*prompt), **answers},
        {"prompt": openai(*prompt), **whole},
        {"prompt": None, "messages": openai(*prompt, better), **whole},
        {"messages": openai(*prompt), **answers},
        {"conversations": sharegpt(*prompt), "chosen": sharegpt(better)[0], "rejected": sharegpt(worse)[0]},
        {"conversations": sharegpt(*prompt), "chosen": chosen, "rejected": rejected},
        whole,
    ]


@given(prompt=st.tuples(TEXT, TEXT), system=st.booleans(), chosen=TEXT, rejected=TEXT)
def test_every_form_gives_the_same_pair(prompt: tuple[str, str], system: bool, chosen: str, rejected: str) -> None:
    turns = (*((SYSTEM,) if system else ()), Message("user", prompt[0]), Message("assistant", prompt[1]), ASKED)
    for row in forms(turns, chosen, rejected + chosen):
        assert pair_of(row) == (turns, chosen, rejected + chosen)


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        ({"prompt": "q"}, (ASKED,)),
        ({"prompt": "q", "system": "s"}, (SYSTEM, ASKED)),
        ({"instruction": "q", "input": "i"}, (Message("user", "q\ni"),)),
        ({"instruction": "q", "history": [["p", "b"]], "system": "s"}, (SYSTEM, *EARLIER, ASKED)),
        ({"conversations": sharegpt(ASKED), "system": "s"}, (SYSTEM, ASKED)),
        ({"prompt": openai(ASKED), "system": "s"}, (SYSTEM, ASKED)),
    ],
)
def test_plain_answers_have_their_prompt_in_a_field(row: dict[str, object], prompt: tuple[Message, ...]) -> None:
    assert pair_of(row | {"chosen": "a", "rejected": "b"}) == (prompt, "a", "b")


def test_a_prompt_given_as_text_may_leave_out_the_system_message_of_the_answers() -> None:
    chosen, rejected = (openai(SYSTEM, ASKED, Message("assistant", text)) for text in "ab")
    assert pair_of({"prompt": "q", "chosen": chosen, "rejected": rejected}) == ((SYSTEM, ASKED), "a", "b")


@pytest.mark.parametrize("prompt", [None, "q", openai(ASKED), openai(SYSTEM, ASKED)])
def test_whole_conversations_may_have_their_system_message_in_a_field(prompt: object) -> None:
    chosen, rejected = (openai(ASKED, Message("assistant", text)) for text in "ab")
    assert pair_of({"system": "s", "prompt": prompt, "chosen": chosen, "rejected": rejected}) == (
        (SYSTEM, ASKED),
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
        ({"chosen": openai(ASKED)}, "^the chosen answer is not the assistant's$"),
        ({"chosen": openai(*EARLIER), "rejected": openai(ASKED, EARLIER[1])}, "do not begin with the same prompt$"),
        (
            {"chosen": openai(*EARLIER), "rejected": openai(EARLIER[0], Message("assistant", "c"))},
            "^the prompt is not what chosen and",
        ),
    ],
)
def test_what_is_wrong_with_a_pair_is_said(change: Mapping[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        pair_of(GOOD | dict(change))
