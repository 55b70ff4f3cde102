"""Events of a streamed answer, joined to the answer that it would have been without streaming."""

import dataclasses
import json
from typing import Any

from tanuki_jax.client.answers import ShapeError, content_text, error_text, kind_of

HEAD = ("id", "created", "model", "system_fingerprint")
"""Fields of the first event that the joined answer keeps."""


@dataclasses.dataclass
class _ToolCall:
    identifier: Any = None
    names: list[str] = dataclasses.field(default_factory=list)
    arguments: list[str] = dataclasses.field(default_factory=list)

    def body(self) -> dict[str, Any]:
        function = {"name": "".join(self.names), "arguments": "".join(self.arguments)}
        identifier = {"id": self.identifier} if self.identifier else {}
        return {"type": "function", "function": function, **identifier}


@dataclasses.dataclass
class _Choice:
    texts: list[str] = dataclasses.field(default_factory=list)
    other_texts: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    """Texts beside the content, by their names, such as reasoning_content or refusal."""
    tool_calls: dict[int, _ToolCall] = dataclasses.field(default_factory=dict)
    logprobs: dict[str, Any] | None = None
    finish_reason: str | None = None

    def body(self, index: int, *, chat: bool) -> dict[str, Any]:
        text = "".join(self.texts)
        content: dict[str, Any] = {"text": text}
        if chat:
            others = {name: "".join(pieces) for name, pieces in self.other_texts.items()}
            message: dict[str, Any] = {"role": "assistant", "content": text, **others}
            if self.tool_calls:
                message["tool_calls"] = [call.body() for _, call in sorted(self.tool_calls.items())]
            content = {"message": message}
        return {"index": index, **content, "logprobs": self.logprobs, "finish_reason": self.finish_reason}


class StreamedAnswer:
    """The events so far.

    Texts, tool calls and log probabilities are joined, and ids, model and usage are kept. Other fields that a server
    adds to its events are not kept.
    """

    def __init__(self, *, chat: bool, count: int | None = None) -> None:
        """Begin without events.

        Args:
            chat: whether the request is a conversation, not a completion.
            count: number of choices that the request asks for; None: it is not known.
        """
        self._chat, self._count = chat, count
        self._choices: dict[int, _Choice] = {}
        self._first: dict[str, Any] = {}
        self._usage: Any = None
        self.done = False
        """Whether the event [DONE] has come."""

    @property
    def complete(self) -> bool:
        """Whether there are as many choices as expected, or one if that is not known, and each has its reason."""
        ended = [bool(choice.finish_reason) for choice in self._choices.values()]
        return all(ended) and len(ended) >= (self._count or 1)

    def add(self, data: bytes) -> str:
        """Add an event. Return the text that it adds to the first choice.

        Raises:
            ShapeError: the event is no part of an answer.
        """
        if data.strip() == b"[DONE]":
            self.done = True
            return ""
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise ShapeError("an event that is no JSON") from None
        if not isinstance(event, dict):
            raise ShapeError(f"{kind_of(event)} as an event")
        if event.get("error"):
            raise ShapeError(f"an error in the stream: {error_text(event)}")
        self._first = self._first or {name: event[name] for name in HEAD if name in event}
        self._usage = event.get("usage") or self._usage
        return "".join([self._add_choice(choice) for choice in _objects(event, "choices")])

    def _add_choice(self, event: dict[str, Any]) -> str:
        index = _index(event)
        choice = self._choices.setdefault(index, _Choice())
        part = event.get("delta") if self._chat else event
        part = part if isinstance(part, dict) else {}
        text = content_text(part.get("content" if self._chat else "text"))
        choice.texts.append(text)
        if self._chat:
            for name, value in part.items():
                if isinstance(value, str) and name not in ("role", "content"):
                    choice.other_texts.setdefault(name, []).append(value)
            for call in _objects(part, "tool_calls"):
                _add_tool_call(choice.tool_calls.setdefault(_index(call), _ToolCall()), call)
        _add_logprobs(choice, event.get("logprobs"))
        if isinstance(event.get("finish_reason"), str):
            choice.finish_reason = event["finish_reason"]
        return text if index == 0 else ""

    def body(self) -> dict[str, Any]:
        """Return the JSON of the answer without streaming."""
        kind = "chat.completion" if self._chat else "text_completion"
        choices = [choice.body(index, chat=self._chat) for index, choice in sorted(self._choices.items())]
        return {**self._first, "object": kind, "choices": choices, "usage": self._usage}


def _objects(part: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of a list in an event; none if it is null or absent."""
    value = [] if part.get(name) is None else part[name]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ShapeError(f"an event whose {name} are no list of objects")
    return value


def _index(part: dict[str, Any]) -> int:
    index = part.get("index", 0)
    if type(index) is not int:
        raise ShapeError(f"{kind_of(index)} as the index of a choice or of a tool call")
    return index


def _add_tool_call(call: _ToolCall, part: dict[str, Any]) -> None:
    """Add an event's part of a tool call: its arguments come in pieces, all else at once."""
    call.identifier = part.get("id") or call.identifier
    function = part.get("function")
    for name, pieces in (("name", call.names), ("arguments", call.arguments)):
        value = function.get(name) if isinstance(function, dict) else None
        if isinstance(value, str):
            pieces.append(value)
        elif value is not None:
            raise ShapeError(f"{kind_of(value)} as the {name} of a tool call")


def _add_logprobs(choice: _Choice, part: Any) -> None:
    """Add an event's log probabilities, which are lists with one item a token, or null."""
    if part is None:
        return
    if not isinstance(part, dict):
        raise ShapeError(f"{kind_of(part)} as the log probabilities of a choice")
    joined = choice.logprobs = choice.logprobs or {}
    for name, value in part.items():
        if isinstance(value, list) and isinstance(joined.get(name), list):
            joined[name].extend(value)
        elif value is not None or name not in joined:
            joined[name] = value
