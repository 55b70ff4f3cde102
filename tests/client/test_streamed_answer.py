"""A streamed answer, joined, is the answer that comes without streaming."""

import contextlib
import json
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from tanuki_jax.client.answers import ShapeError, read_answer
from tanuki_jax.client.rehearsal.mock_answers import write_answer
from tanuki_jax.client.streamed_answer import StreamedAnswer
from tests.client.any_json import json_near

CALL = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
EVENT = {
    "choices": [
        {
            "index": 0,
            "delta": {"content": "a", "reasoning_content": "b", "tool_calls": [CALL]},
            "text": "a",
            "logprobs": {"content": [{"token": "a"}]},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    "id": "a",
}


def joined(events: list[Any], *, chat: bool = True, count: int | None = None) -> StreamedAnswer:
    answer = StreamedAnswer(chat=chat, count=count)
    for event in events:
        answer.add(json.dumps(event).encode())
    return answer


def delta(part: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": part, "finish_reason": reason}]}


@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("n", [1, 3])
def test_a_stream_joined_is_the_answer_without_streaming(chat: bool, n: int) -> None:
    request = {"messages": [{"role": "user", "content": "狸と狐の話 🦝"}], "prompt": "狸と狐の話 🦝", "n": n}
    written = write_answer(request, chat=chat)
    assert joined([*written.events(include_usage=True)], chat=chat).body() == written.body()


def test_only_a_stream_in_which_each_choice_has_its_reason_is_complete() -> None:
    assert not joined([]).complete
    assert not joined([delta({"content": "a"})]).complete
    assert joined([delta({"content": "a"}), delta({}, "stop")]).complete
    two = {"choices": [{"index": 1, "delta": {"content": "b"}}]}
    assert not joined([delta({"content": "a"}, "stop"), two]).complete


def test_a_stream_is_complete_with_all_the_choices_of_its_request() -> None:
    events = [{"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]} for index in range(2)]
    assert [joined(events[:kept], count=2).complete for kept in range(3)] == [False, False, True]
    assert [joined(events[:kept]).complete for kept in range(3)] == [False, True, True]


def test_log_probabilities_are_joined() -> None:
    """The shapes are those of OpenAI's API reference: chat.completion.chunk, and the older text_completion."""
    tokens: list[Any] = [{"token": text, "logprob": -0.5, "bytes": None, "top_logprobs": []} for text in "ab"]
    parts = [{"content": tokens[:1], "refusal": None}, None, {"content": tokens[1:], "refusal": None}]
    events: list[Any] = [{"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": part}]} for part in parts]
    assert joined(events).body()["choices"][0]["logprobs"] == {"content": tokens, "refusal": None}
    pieces = [{"tokens": [text], "token_logprobs": [-0.5], "text_offset": [offset]} for offset, text in enumerate("ab")]
    events = [{"choices": [{"index": 0, "text": "a", "logprobs": piece}]} for piece in pieces]
    expected = {"tokens": ["a", "b"], "token_logprobs": [-0.5, -0.5], "text_offset": [0, 1]}
    assert joined(events, chat=False).body()["choices"][0]["logprobs"] == expected


def test_texts_beside_the_content_are_joined() -> None:
    parts = [{"role": "assistant", "reasoning_content": "狸"}, {"reasoning_content": "は"}, {"content": "はい"}]
    message = joined([*map(delta, parts)]).body()["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "はい", "reasoning_content": "狸は"}


def test_pieces_of_tool_calls_are_joined() -> None:
    first = {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    pieces = [{"index": 0, "function": {"arguments": text}} for text in ('{"city":', ' "京都"}')]
    calls = [first, *pieces, {"index": 1, "id": "c2", "function": {"name": "time", "arguments": "{}"}}]
    answer = joined([*(delta({"content": None, "tool_calls": [call]}) for call in calls), delta({}, "tool_calls")])
    message = answer.body()["choices"][0]["message"]
    assert message["content"] == ""
    assert message["tool_calls"] == [
        {"type": "function", "function": {"name": "weather", "arguments": '{"city": "京都"}'}, "id": "c1"},
        {"type": "function", "function": {"name": "time", "arguments": "{}"}, "id": "c2"},
    ]


@pytest.mark.parametrize(
    "event",
    [
        "text",
        [],
        None,
        {"error": {"message": "out of memory"}},
        {"choices": 3},
        {"choices": [3]},
        {"choices": [{"index": "a"}]},
        {"choices": [{"delta": {"content": 3}}]},
        {"choices": [{"delta": {"tool_calls": [3]}}]},
        {"choices": [{"delta": {"tool_calls": 5}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": "a"}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": {"a": 1}}}]}}]},
        {"choices": [{"delta": {}, "logprobs": 5}]},
    ],
)
def test_another_event_is_refused(event: Any) -> None:
    with pytest.raises(ShapeError):
        joined([event])


@hypothesis.given(json_near(EVENT), strategies.booleans())
@hypothesis.settings(max_examples=200)
def test_any_json_is_an_event_or_refused(event: Any, chat: bool) -> None:
    with contextlib.suppress(ShapeError):
        body = joined([EVENT, event, EVENT], chat=chat).body()
        read_answer("chat/completions" if chat else "completions", body)


def test_the_end_is_no_json() -> None:
    answer = StreamedAnswer(chat=True)
    assert (answer.add(b"[DONE]"), answer.done) == ("", True)
    with pytest.raises(ShapeError):
        answer.add(b"[DON")
