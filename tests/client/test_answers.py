"""Reading answers: what is one, and that nothing else is taken for one."""

import contextlib
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from tanuki_jax.client.answers import (
    ShapeError,
    Usage,
    error_text,
    expected_count,
    read_answer,
    read_usage,
)
from tanuki_jax.client.totals import Totals
from tanuki_jax.config.endpoints import Endpoint
from tests.client.any_json import json_near


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
    with pytest.raises(ShapeError, match="2 objects in 'data', and the request asks for 3"):
        read_answer("embeddings", body, 3)


def test_choices_are_in_the_order_of_their_prompts() -> None:
    body = {"choices": [{"index": 1, "text": "b"}, {"index": 0, "text": "a"}]}
    assert read_answer("completions", body, 2).texts == ("a", "b")


@pytest.mark.parametrize("count", [1, 3])
def test_an_answer_with_fewer_or_more_choices_than_expected_is_none(count: int) -> None:
    body = {"choices": [{"text": "a"}, {"text": "b"}]}
    with pytest.raises(ShapeError, match=f"2 objects in 'choices', and the request asks for {count}"):
        read_answer("completions", body, count)


@pytest.mark.parametrize(
    ("path", "request_body", "count"),
    [
        ("chat/completions", {}, 1),
        ("chat/completions", {"n": None}, 1),
        ("chat/completions", {"n": 3}, 3),
        ("chat/completions", {"n": "3"}, None),
        ("chat/completions", {"n": True}, None),
        ("completions", {"prompt": "a", "n": 2}, 2),
        ("completions", {"prompt": ["a", "b", "c"], "n": 2}, 6),
        ("completions", {"prompt": [1, 2, 3], "n": 2}, 2),
        ("completions", {"prompt": [[1, 2], [3]]}, 2),
        ("completions", {"prompt": []}, None),
        ("completions", {}, None),
        ("embeddings", {"input": "abc"}, 1),
        ("embeddings", {"input": ("a", "b")}, 2),
        ("embeddings", {"input": [7, 8, 9], "n": 5}, 1),
        ("rerank", {"n": 3}, None),
    ],
)
def test_the_request_says_how_long_its_answer_is(path: str, request_body: dict[str, Any], count: int | None) -> None:
    assert expected_count(path, request_body) == count


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


ANSWER = {
    "choices": [{"index": 0, "message": {"content": [{"text": "a"}]}, "text": "a", "finish_reason": "stop"}],
    "data": [{"index": 0, "embedding": [0.5]}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    "error": None,
}
PATHS = ("chat/completions", "completions", "embeddings", "other")


@hypothesis.given(json_near(ANSWER), strategies.sampled_from(PATHS))
def test_any_json_is_an_answer_or_refused(body: Any, path: str) -> None:
    """The counting of an answer's tokens is included."""
    with contextlib.suppress(ShapeError):
        content = read_answer(path, body)
        Totals().add(Endpoint(url="http://a", input_price=1.0, output_price=1.0), content.usage)


@hypothesis.given(json_near({"n": 2, "prompt": ["a", [1]], "input": ["a"]}), strategies.sampled_from(PATHS))
def test_any_request_has_a_count_or_none(body: Any, path: str) -> None:
    count = expected_count(path, body if isinstance(body, dict) else {"n": body})
    assert count is None or count >= 1


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        {},
        {"prompt_tokens": "3", "completion_tokens": -2},
        {"prompt_tokens": True},
        {"prompt_tokens": 10**400},
    ],
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
