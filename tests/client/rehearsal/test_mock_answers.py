"""Answers of a mock endpoint: deterministic, in OpenAI's form, and refusals of what is no request."""

import json
from typing import Any

import pytest

from tanuki_jax.client.rehearsal.mock_answers import BadRequest, embeddings, write_answer
from tanuki_jax.client.rehearsal.texts import tokens

ASK = {"model": "m", "messages": [{"role": "user", "content": "狸の化け学について説明してください。"}]}


def texts(body: dict[str, Any], *, chat: bool = True) -> list[str]:
    return ["".join(pieces) for pieces, _ in write_answer(body, chat=chat).choices]


def test_the_same_request_gets_the_same_text_and_another_seed_another() -> None:
    assert texts(ASK) == texts({**ASK, "temperature": 0.3, "user": "x"})
    assert texts(ASK) != texts({**ASK, "seed": 1}) == texts({**ASK, "seed": 1})
    assert len(set(texts({**ASK, "n": 4}))) == 4
    assert texts({**ASK, "n": 4})[0] == texts(ASK)[0]


def test_usage_counts_the_tokens_of_prompt_and_answer() -> None:
    body = write_answer({**ASK, "n": 2}, chat=True).body()
    written = "".join(choice["message"]["content"] for choice in body["choices"])
    prompt = ASK["messages"][0]["content"]  # type: ignore[index]
    assert body["usage"]["completion_tokens"] == len(tokens(written))
    assert body["usage"]["prompt_tokens"] == len(tokens(prompt))
    assert body["usage"]["total_tokens"] == len(tokens(written)) + len(tokens(prompt))


def test_limits_and_stop_texts_end_an_answer() -> None:
    complete = texts(ASK)[0]
    cut = write_answer({**ASK, "max_tokens": 4}, chat=True)
    assert (texts({**ASK, "max_completion_tokens": 4}), cut.choices[0][1]) == ([complete[:4]], "length")
    assert texts({**ASK, "stop": "。"}) == [complete.partition("。")[0]]
    assert texts({**ASK, "stop": [complete[7:9], complete[3:5]]}) == [complete[:3]]


def test_a_completion_takes_texts_and_token_ids() -> None:
    assert len(texts({"prompt": ["a", "b"], "n": 2}, chat=False)) == 4
    assert texts({"prompt": ["a"]}, chat=False) == texts({"prompt": "a"}, chat=False)
    assert len(texts({"prompt": [1, 2]}, chat=False)) == 1
    assert len(texts({"prompt": [[1], [2]]}, chat=False)) == 2


def test_structured_answers_are_json_of_the_schema() -> None:
    schema = {"type": "object", "properties": {"score": {"type": "integer", "minimum": 1}, "why": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "grade", "schema": schema}}
    value = json.loads(texts({**ASK, "response_format": form})[0])
    assert value["score"] == 1
    assert value["why"] in ASK["messages"][0]["content"]  # type: ignore[index]
    assert isinstance(json.loads(texts({**ASK, "response_format": {"type": "json_object"}})[0]), dict)
    assert texts({**ASK, "response_format": {"type": "text"}}) == texts(ASK)


def test_a_question_of_yes_or_no_gets_one_of_them() -> None:
    asks = [{"messages": [{"role": "user", "content": f"{n}? Answer yes or no."}]} for n in range(20)]
    assert {answer for ask in asks for answer in texts(ask)} == {"Yes", "No"}


def test_a_stream_begins_with_the_role_and_ends_with_the_reason_and_usage() -> None:
    first, *rest, last, usage = write_answer(ASK, chat=True).events(include_usage=True)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert all(event["choices"][0]["finish_reason"] is None for event in rest)
    assert (usage["choices"], usage["usage"]) == ([], write_answer(ASK, chat=True).usage)


@pytest.mark.parametrize(
    "change",
    [
        {"messages": None},
        {"messages": []},
        {"messages": ["a"]},
        {"messages": [{"content": 3}]},
        {"max_tokens": 0},
        {"max_tokens": "4"},
        {"max_tokens": 1e9},
        {"n": 0},
        {"n": 1000},
        {"n": True},
        {"stop": 3},
        {"stop": [3]},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object", "required": 3}}}},
    ],
)
def test_what_is_no_request_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        write_answer({**ASK, **change}, chat=True)


@pytest.mark.parametrize("prompt", [None, 3, [], [[]], [1, "a"], {}])
def test_what_is_no_prompt_is_refused(prompt: Any) -> None:
    with pytest.raises(BadRequest, match="prompt must be"):
        write_answer({"prompt": prompt}, chat=False)


@pytest.mark.parametrize("texts_field", [None, 3, [], [3]])
def test_what_is_no_text_is_not_embedded(texts_field: Any) -> None:
    with pytest.raises(BadRequest, match="input must be"):
        embeddings({"input": texts_field})
