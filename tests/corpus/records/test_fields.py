from dataclasses import replace

import pytest

from tanuki_jax.config.mixture import PairForm
from tanuki_jax.corpus.records.fields import fields_of, record_of
from tanuki_jax.corpus.records.types import Conversation, Document, Message, Preference, Rating


def test_a_document_has_the_text_field_and_the_other_fields_as_metadata() -> None:
    row = {"id": 7, "body": "text", "url": "u", "metadata": {"url": "v", "page": 1}}
    assert record_of(row, "file:0", "body") == Document("7", "text", {"url": "v", "page": 1})


@pytest.mark.parametrize("id", [None, True, 1.5, ["a"]])
def test_an_id_of_another_type_stays_in_the_metadata(id: object) -> None:
    assert record_of({"id": id, "text": "a"}, "file:0", "text") == Document("file:0", "a", {"id": id})


def test_metadata_that_is_not_an_object_keeps_its_name() -> None:
    assert record_of({"text": "a", "metadata": "b"}, "file:0", "text").metadata == {"metadata": "b"}


def test_messages_make_a_conversation_even_beside_a_text() -> None:
    row = {
        "text": "flat",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": ""},
        ],
    }
    messages = (Message("system", "s"), Message("user", "q"), Message("assistant", ""))
    assert record_of(row, "file:0", "text") == Conversation("file:0", messages, {"text": "flat"})


def test_conversations_of_sharegpt_get_the_usual_role_names() -> None:
    row = {"id": "c", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}
    assert record_of(row, "file:0", "text") == Conversation("c", (Message("user", "q"), Message("assistant", "a")))


@pytest.mark.parametrize("field", ["messages", "conversations"])
def test_a_field_of_turns_that_is_not_a_list_does_not_hide_the_text(field: str) -> None:
    assert record_of({"text": "a", field: 3}, "file:0", "text") == Document("file:0", "a", {field: 3})


USER = {"role": "user", "content": "q"}


def nested(levels: int) -> list[dict[str, object]]:
    value: dict[str, object] = {}
    for _ in range(levels):
        value = {"a": value}
    return [value]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"title": "a"}, "no field 'text' among 'title'"),
        ({}, "no field 'text' among none"),
        ({"text": None}, "the field 'text' is null"),
        ({"text": 3}, "'text' is not text but of type int"),
        ({"text": ""}, "the text is empty"),
        ({"text": " \n\u3000"}, "the text is empty"),
        ({"messages": []}, "no messages"),
        ({"messages": ["hello"]}, "a message is not an object but of type str"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "the role 'narrator' is none of"),
        (
            {"messages": [USER, {"role": "tool", "content": "x"}]},
            "^a message has the role tool, which text has no form",
        ),
        ({"messages": [USER, {**USER, "reasoning": "hm"}]}, "^a message has reasoning, which text has no form for"),
        ({"messages": [USER], "tools": [{"name": "f"}]}, "^the row has tools, which text has no form for"),
        ({"messages": [{"content": "x"}]}, "the role None is none of"),
        ({"messages": [{"role": "user", "content": None}]}, "content is not text but null"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "a part of a message's content is not text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "text": "x"}]}]},
            "a part of a message's content is not text",
        ),
        ({"messages": [USER, {"role": "system", "content": "s"}]}, "a system message is not the first message"),
        ({"messages": [{"role": "system", "content": "s"}]}, "only a system message"),
    ],
)
def test_the_fault_of_a_row_is_named(row: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        record_of(row, "file:0", "text")


QUESTION, ANSWER = Message("user", "q"), Message("assistant", "a")
NOT_LEARNED = Message("assistant", "a", weight=0.0)
FIRST_NOT_LEARNED = (QUESTION, NOT_LEARNED, QUESTION, ANSWER)
CHAT: list[dict[str, object]] = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ({"messages": CHAT}, (QUESTION, ANSWER)),
        ({"messages": CHAT, "text": "flat", "system": ""}, (QUESTION, ANSWER)),
        ({"messages": CHAT, "system": "s"}, (Message("system", "s"), QUESTION, ANSWER)),
        (
            {"messages": [{"role": "system", "content": ""}, *CHAT], "system": "s"},
            (Message("system", ""), QUESTION, ANSWER),
        ),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}, CHAT[1]]}, (QUESTION, ANSWER)),
        (
            {"text": "flat", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
            (QUESTION, ANSWER),
        ),
        ({"instruction": "q", "output": "a"}, (QUESTION, ANSWER)),
        ({"instruction": "q", "input": "", "output": "a", "history": []}, (QUESTION, ANSWER)),
        ({"instruction": "q", "input": "i", "output": "a"}, (Message("user", "q\ni"), ANSWER)),
        ({"instruction": "q", "context": "i", "response": "a"}, (Message("user", "q\ni"), ANSWER)),
        ({"prompt": "q", "completion": "a"}, (QUESTION, ANSWER)),
        ({"prompt": [CHAT[0]], "completion": [CHAT[1]]}, (QUESTION, ANSWER)),
        ({"prompt": [*CHAT, CHAT[0]], "completion": "a"}, FIRST_NOT_LEARNED),
        ({"messages": [*CHAT, CHAT[0]]}, (QUESTION, ANSWER)),
        ({"messages": [CHAT[1], *CHAT]}, (NOT_LEARNED, QUESTION, ANSWER)),
        ({"messages": [*CHAT, CHAT[0], CHAT[1] | {"train": False}]}, (QUESTION, ANSWER, QUESTION, NOT_LEARNED)),
        ({"messages": [CHAT[0], CHAT[1] | {"training": False}, *CHAT]}, FIRST_NOT_LEARNED),
        ({"messages": [CHAT[0], CHAT[1] | {"trainable": False}, *CHAT]}, FIRST_NOT_LEARNED),
        ({"messages": [CHAT[0], CHAT[1] | {"weight": 0}, CHAT[0], CHAT[1] | {"weight": 1}]}, FIRST_NOT_LEARNED),
        ({"messages": [CHAT[0], CHAT[1] | {"train": True, "weight": 0.25}]}, (QUESTION, replace(ANSWER, weight=0.25))),
        *(
            ({"conversations": [{"from": "human", "value": "q"}, {"from": name, "value": "a"}]}, (QUESTION, ANSWER))
            for name in ("gpt", "chatgpt", "bing", "bard", "model", "assistant")
        ),
        (
            {"instruction": "q", "input": None, "output": "a", "system": "s", "history": [["p", "b"]]},
            (Message("system", "s"), Message("user", "p"), Message("assistant", "b"), QUESTION, ANSWER),
        ),
    ],
)
def test_a_chat_is_read_from_all_forms(row: dict[str, object], messages: tuple[Message, ...]) -> None:
    record = record_of(row | {"id": "c", "topic": "t"}, "file:0", "text", "chat")
    assert isinstance(record, Conversation)
    assert (record.id, record.messages, record.metadata["topic"]) == ("c", messages, "t")
    assert record.metadata.keys() <= {"topic", "text"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "a document"}, "no field 'messages', 'conversations', 'completion' or 'instruction' among 'text'"),
        ({"messages": '[{"role": "user"}]'}, "^the field 'messages' is not a list of messages but of type str$"),
        (
            {"conversations": {"from": "human"}},
            "^the field 'conversations' is not a list of messages but of type dict$",
        ),
        (
            {"messages": None, "instruction": None, "text": "t"},
            "^no field 'messages', 'conversations', 'completion' or 'instruction' among 'text'$",
        ),
        ({"messages": CHAT, "tools": "[{"}, "^the field 'tools' is a text that is not JSON: "),
        ({"messages": CHAT, "tools": ["f"]}, r"^the field 'tools' is not a list of objects but \['f'\]$"),
        (
            {"messages": CHAT, "functions": [{"name": "f"}]},
            "^the row has functions, which no template reads: name them",
        ),
        ({"messages": [CHAT[0], CHAT[1] | {"weight": 0}]}, "^no turn of the assistant is to be learned$"),
        ({"messages": [CHAT[0], CHAT[1] | {"masked": True}]}, "^a message has masked, which is not one of the flags"),
        ({"messages": CHAT, "weight": 0}, "^the row has weight, and only its turns have flags: train, training,"),
        ({"messages": CHAT, "documents": ["d"]}, "^the row has documents, which templates do not get$"),
        ({"messages": CHAT, "tools": nested(101)}, "^the field 'tools' is nested more than 100 levels deep$"),
        ({"messages": CHAT, "tools": "[" * 9999}, "^the field 'tools' is a text that is not JSON: "),
        (
            {"messages": [CHAT[0], CHAT[1] | {"tool_calls": nested(101)}]},
            "^a message is nested more than 100 levels deep$",
        ),
        (
            {"messages": [CHAT[0], CHAT[1] | {"weight": 1.5}]},
            r"^a message has weight 1\.5, which must be true or 1, or false or 0, or a number between$",
        ),
        (
            {"messages": [CHAT[0], CHAT[1] | {"train": 0.5}]},
            r"^a message has train 0\.5, which must be true or 1, or false or 0$",
        ),
        ({"messages": [CHAT[0], CHAT[1] | {"weight": "0"}]}, "^a message has weight '0', which must be"),
        (
            {"messages": [CHAT[0], CHAT[1] | {"train": True, "weight": 0}]},
            "^a message has train and weight, which contra",
        ),
        (
            {"messages": [CHAT[0] | {"train": True}, CHAT[1]]},
            "^a message of the user has train, and only the assistant's",
        ),
        ({"prompt": "q", "completion": 3}, "^the completion is neither text nor messages but of type int$"),
        ({"completion": "a"}, "^no prompt among 'completion'$"),
        ({"messages": [CHAT[1], CHAT[0]]}, "^roles are out of order: turn 1 should be the user's$"),
        ({"messages": [*CHAT, CHAT[1]]}, "^roles are out of order: turn 3 should be the user's$"),
        ({"messages": [CHAT[0]]}, "^the conversation has no turn of the assistant$"),
        ({"messages": [CHAT[0], *CHAT]}, "^roles are out of order: turn 2 should be the assistant's$"),
        ({"messages": [CHAT[0], {"role": "assistant", "content": " \n"}]}, "^turn 2, the assistant's, is empty$"),
        ({"instruction": "q"}, "^the output is not text but null$"),
        ({"instruction": 3, "output": "a"}, "^the instruction is not text but of type int$"),
        ({"instruction": "", "output": "a"}, "^turn 1, the user's, is empty$"),
        ({"instruction": "q", "input": 3, "output": "a"}, "^the field 'input' is not text but of type int$"),
        ({"instruction": "q", "output": "a", "history": "x"}, "^the history is not a list but of type str$"),
        (
            {"instruction": "q", "output": "a", "history": [["p"]]},
            r"^the history is not a list of \[question, answer\]$",
        ),
    ],
)
def test_the_fault_of_a_chat_is_named(row: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        record_of(row, "file:0", "text", "chat")


@pytest.mark.parametrize("form", ["preference", "kto"])
def test_a_pair_keeps_its_other_fields_as_metadata(form: PairForm) -> None:
    row = {
        "id": 3,
        "prompt": "q",
        "chosen": "a",
        "rejected": "b",
        "messages": [],
        "judge": "rule",
        "metadata": {"chosen": 1},
    }
    assert record_of(row, "file:0", "text", form) == Preference(
        "3", (QUESTION,), "a", "b", {"judge": "rule", "chosen": 1}
    )


def test_null_tool_calls_and_a_weight_of_1_are_an_ordinary_message() -> None:
    answer = {"role": "assistant", "content": "a", "tool_calls": None, "weight": 1}
    record = record_of({"messages": [{"role": "user", "content": "q"}, answer]}, "file:0", "text", "chat")
    assert isinstance(record, Conversation) and record.messages == (QUESTION, ANSWER)


TOOL: dict[str, object] = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CALL: dict[str, object] = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Nara"}}}
CALLING: list[dict[str, object]] = [
    CHAT[0],
    {"role": "assistant", "content": None, "tool_calls": [CALL], "weight": 0.5},
    {"role": "tool", "tool_call_id": "1", "content": "rain"},
    {"role": "assistant", "content": "a", "reasoning_content": "hm"},
]


@pytest.mark.parametrize(
    "tools", [[TOOL], '[{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]']
)
def test_calls_results_and_reasoning_are_kept_as_they_came(tools: object) -> None:
    record = record_of({"id": "c", "messages": CALLING, "tools": tools, "topic": "t"}, "file:0", "text", "chat")
    assert isinstance(record, Conversation) and record.tools == (TOOL,) and record.metadata == {"topic": "t"}
    assert [message.turn for message in record.messages] == [
        CALLING[0],
        {name: value for name, value in CALLING[1].items() if name != "weight"},
        *CALLING[2:],
    ]
    assert [message.weight for message in record.messages if message.role == "assistant"] == [0.5, 1]
    assert record_of(fields_of(record), "file:1", "text", "chat") == record


def test_a_rated_answer_is_read_as_kto_only() -> None:
    row: dict[str, object] = {"id": "r", "prompt": "q", "completion": "a", "label": False, "tools": [TOOL]}
    rating = Rating("r", (QUESTION,), "a", False, {}, (TOOL,))
    assert record_of(row, "file:0", "text", "kto") == rating
    assert record_of(fields_of(rating), "file:1", "text", "kto") == rating
    with pytest.raises(ValueError, match=r"is a row of unpaired KTO: take form='kto'$"):
        record_of(row, "file:0", "text", "preference")
