import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.pretraining import as_text
from tanuki_jax.corpus.records.types import Conversation, Message

USER, ASSISTANT, SYSTEM = (
    Message("user", "3 + 4は？"),
    Message("assistant", "答えは7です。"),
    Message("system", "短く答える。"),
)


def text(*messages: Message) -> str:
    return as_text(Conversation("c1", messages))


def test_each_turn_is_a_line_after_its_role() -> None:
    assert text(USER, ASSISTANT, USER) == "user: 3 + 4は？\nassistant: 答えは7です。\nuser: 3 + 4は？"


def test_a_system_message_is_plain_text_before_the_turns() -> None:
    assert text(SYSTEM, USER, ASSISTANT) == "短く答える。\nuser: 3 + 4は？\nassistant: 答えは7です。"


def test_contents_are_not_changed() -> None:
    assert text(Message("user", " 表:\n| a |\n")) == "user:  表:\n| a |\n"


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ((USER, Message("tool", "42")), "c1 has the role 'tool'"),
        ((USER, SYSTEM, ASSISTANT), "c1 has a system message that is not the first"),
        ((SYSTEM, SYSTEM, USER), "c1 has a system message that is not the first"),
        ((SYSTEM,), "c1 has no turn"),
        ((), "c1 has no turn"),
    ],
)
def test_a_conversation_with_other_turns_is_refused(messages: tuple[Message, ...], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        text(*messages)
