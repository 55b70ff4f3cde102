import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import Form
from tanuki_jax.corpus.records.field_map import check_field_map, read_names, renamed


def test_a_field_is_read_under_another_name_and_no_longer_under_its_own() -> None:
    row = {"question": "q", "prompt": "a draft", "completion": "a", "url": "u"}
    assert renamed(row, {"prompt": "question"}) == {"prompt": "q", "completion": "a", "url": "u"}
    with pytest.raises(ValueError, match=r"^no field 'missing' \(prompt\) among 'question', 'prompt', 'completion', "):
        renamed(row, {"prompt": "missing"})
    assert "tools" not in renamed(row, {"tools": "missing"})  # a row may lack them
    turned = {"prompt": "question", "completion": "url"}
    assert "messages" not in renamed(row | {"messages": []}, turned)  # another form is named
    assert "messages" in renamed(row | {"messages": []}, {"tools": "functions_json"})
    assert renamed(row, {"prompt": "completion", "completion": "prompt"})["prompt"] == "a"


@pytest.mark.parametrize(
    ("fields", "form", "fault"),
    [
        ({"text": "body"}, "text", "^fields names the text 'body': set text_field"),
        (
            {"question": "prompt"},
            "chat",
            "^fields has 'question', which the form 'chat' does not read; it reads messages,",
        ),
        ({"chosen": "good"}, "chat", "^fields has 'chosen', which the form 'chat' does not read"),
        ({"reply": "completion"}, "chat", r"^fields has 'reply', .*; is it the other way round\?$"),
        ({"chosen": "a", "rejected": "a"}, "preference", "^fields has 'a' for two fields$"),
    ],
)
def test_a_name_that_nothing_reads_is_refused(fields: dict[str, str], form: Form, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        check_field_map(fields, form)


def test_names_that_are_read_are_those_of_the_rows() -> None:
    check_field_map({"prompt": "question", "tools": "functions_json"}, "chat")
    names = read_names("chat", "text", {"prompt": "question"})
    assert {"question", "completion", "messages", "tools", "id"} <= names and not names & {"prompt", "text", "chosen"}
    assert "body" in read_names("text", "body", {}) and "label" in read_names("kto", "text", {})
