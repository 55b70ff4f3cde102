"""A streamed answer, joined, is the answer that comes without streaming."""

import json
from typing import Any

import pytest

from tanuki_jax.client.answers import ShapeError
from tanuki_jax.client.rehearsal.mock_answers import write_answer
from tanuki_jax.client.streamed_answer import StreamedAnswer


def joined(events: list[Any], *, chat: bool = True) -> StreamedAnswer:
    answer = StreamedAnswer(chat=chat)
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
    body, plain = joined([*written.events(include_usage=True)], chat=chat).body(), written.body()
    for choice in plain["choices"]:
        del choice["logprobs"]
    assert (body["choices"], body["usage"]) == (plain["choices"], plain["usage"])


def test_only_a_stream_in_which_each_choice_has_its_reason_is_complete() -> None:
    assert not joined([]).complete
    assert not joined([delta({"content": "a"})]).complete
    assert joined([delta({"content": "a"}), delta({}, "stop")]).complete
    two = {"choices": [{"index": 1, "delta": {"content": "b"}}]}
    assert not joined([delta({"content": "a"}, "stop"), two]).complete


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
    ],
)
def test_another_event_is_refused(event: Any) -> None:
    with pytest.raises(ShapeError):
        joined([event])


def test_the_end_is_no_json() -> None:
    answer = StreamedAnswer(chat=True)
    assert (answer.add(b"[DONE]"), answer.done) == ("", True)
    with pytest.raises(ShapeError):
        answer.add(b"[DON")
