"""Reading answers: what is one, and that nothing else is taken for one."""

import contextlib
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from tanuki_jax.client.answers import Content, ShapeError, Usage, error_text, read_answer, read_usage


def chat(content: Any, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": content, **fields}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("狸🦝\u2028\x00", "狸🦝\u2028\x00"),
        ("", ""),
        (None, ""),
        ([{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}], "ab"),
    ],
)
def test_the_content_of_a_message_may_be_text_null_or_parts(content: Any, text: str) -> None:
    assert read_answer("chat/completions", chat(content)).texts == (text,)


def test_tool_calls_stay_in_the_raw_answer() -> None:
    calls = [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]
    answer = read_answer("chat/completions", chat(None, tool_calls=calls))
    assert answer.texts == ("",)
    assert answer.raw["choices"][0]["message"]["tool_calls"] == calls


def test_each_choice_has_its_text_and_reason() -> None:
    body = {"choices": [{"text": "a", "finish_reason": "length"}, {"text": "b"}], "usage": {"prompt_tokens": 3}}
    content = read_answer("completions", body)
    assert (content.texts, content.finish_reasons, content.usage) == (("a", "b"), ("length", None), Usage(3, 0))


def test_embeddings_are_in_the_order_of_their_texts() -> None:
    body = {"data": [{"index": 1, "embedding": [1, 2.5]}, {"index": 0, "embedding": [0.5]}]}
    assert read_answer("embeddings", body, 2).vectors == ([0.5], [1, 2.5])
    with pytest.raises(ShapeError, match="2 embeddings for 3 texts"):
        read_answer("embeddings", body, 3)


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        3,
        {},
        {"choices": None},
        {"choices": []},
        {"choices": ["a"]},
        {"choices": [{"finish_reason": "stop"}]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": {"content": 3}}]},
        {"choices": [{"message": {"content": ["a"]}}]},
        {"error": {"message": "out of memory"}},
    ],
)
def test_other_json_is_no_answer(body: Any) -> None:
    with pytest.raises(ShapeError):
        read_answer("chat/completions", body)


JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.floats() | strategies.integers() | strategies.text(),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(
            strategies.sampled_from(["choices", "message", "content", "text", "data", "embedding", "usage", "index"]),
            inner,
            max_size=4,
        )
    ),
)


@hypothesis.given(JSON, strategies.sampled_from(["chat/completions", "completions", "embeddings", "other"]))
def test_any_json_is_an_answer_or_refused(body: Any, path: str) -> None:
    with contextlib.suppress(ShapeError):
        assert isinstance(read_answer(path, body), Content)


@pytest.mark.parametrize(
    "usage", [None, [], {}, {"prompt_tokens": "3", "completion_tokens": -2}, {"prompt_tokens": True}]
)
def test_counts_that_are_none_are_zero(usage: Any) -> None:
    assert read_usage(usage) == Usage(0, 0)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": {"message": "too long", "code": 3}}, "too long"),
        ({"error": "too long"}, "too long"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"object": "error", "message": "too long"}, "too long"),
        ({"error": None}, ""),
        ("text", ""),
    ],
)
def test_the_message_of_an_error_is_found_in_its_usual_forms(body: Any, text: str) -> None:
    assert error_text(body) == text
