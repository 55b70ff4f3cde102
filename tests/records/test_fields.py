import pytest

from tanuki_jax.records.fields import record_of
from tanuki_jax.records.types import Conversation, Document, Message


def test_a_text_field_makes_a_document_and_the_other_fields_its_metadata() -> None:
    row = {"id": 7, "body": "text", "url": "u", "metadata": {"url": "v", "page": 1}}
    assert record_of(row, "place", "body") == Document("7", "text", {"url": "v", "page": 1})


@pytest.mark.parametrize("id", [None, True, 1.5, ["a"]])
def test_an_id_that_is_neither_text_nor_a_whole_number_stays_in_the_metadata(id: object) -> None:
    assert record_of({"id": id, "text": "a"}, "place", "text") == Document("place", "a", {"id": id})


def test_metadata_that_is_no_object_is_kept_under_its_name() -> None:
    assert record_of({"text": "a", "metadata": "b"}, "place", "text").metadata == {"metadata": "b"}


def test_messages_make_a_conversation_even_beside_a_text() -> None:
    row = {
        "text": "flat",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": ""}],
    }
    messages = (Message("system", "s"), Message("user", "q"), Message("assistant", ""))
    assert record_of(row, "place", "text") == Conversation("place", messages, {"text": "flat"})


def test_sharegpt_conversations_get_the_usual_role_names() -> None:
    row = {"id": "c", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}
    assert record_of(row, "place", "text") == Conversation("c", (Message("user", "q"), Message("assistant", "a")))


@pytest.mark.parametrize("field", ["messages", "conversations"])
def test_a_field_of_that_name_that_is_no_list_does_not_hide_the_text(field: str) -> None:
    assert record_of({"text": "a", field: 3}, "place", "text") == Document("place", "a", {field: 3})


USER = {"role": "user", "content": "q"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"title": "a"}, "no field 'text' among 'title'"),
        ({}, "no field 'text' among none"),
        ({"text": None}, "no field 'text'"),
        ({"text": 3}, "'text' is not text but of type int"),
        ({"text": ""}, "the text is empty"),
        ({"text": " \n\u3000"}, "the text is empty"),
        ({"messages": []}, "no messages"),
        ({"messages": ["hello"]}, "a message is not an object but of type str"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "the role 'tool' is none of"),
        ({"messages": [{"content": "x"}]}, "the role None is none of"),
        ({"messages": [{"role": "user", "content": None}]}, "content is not text but null"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "content is not text but of type list"),
        ({"messages": [USER, {"role": "system", "content": "s"}]}, "a system message does not stand first"),
        ({"messages": [{"role": "system", "content": "s"}]}, "only a system message"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(row: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        record_of(row, "place", "text")
