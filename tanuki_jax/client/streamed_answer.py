"""Events of a streamed answer, joined to the answer that it would have been without streaming."""

import dataclasses
import json
from typing import Any

from tanuki_jax.client.answers import ShapeError, content_text, error_text, kind_of


@dataclasses.dataclass
class _Choice:
    texts: list[str] = dataclasses.field(default_factory=list)
    tool_calls: dict[int, dict[str, Any]] = dataclasses.field(default_factory=dict)
    finish_reason: str | None = None


class StreamedAnswer:
    """The events so far. `complete` is true once every choice has its finish_reason."""

    def __init__(self, *, chat: bool) -> None:
        self._chat = chat
        self._choices: dict[int, _Choice] = {}
        self._first: dict[str, Any] = {}
        self._usage: Any = None
        self.done = False
        """Whether the event [DONE] has come."""

    @property
    def complete(self) -> bool:
        """Whether there are choices, and each has its finish_reason."""
        return bool(self._choices) and all(choice.finish_reason for choice in self._choices.values())

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
        if "error" in event:
            raise ShapeError(f"an error in the stream: {error_text(event)}")
        self._first = self._first or {name: event[name] for name in ("id", "created", "model") if name in event}
        self._usage = event.get("usage") or self._usage
        choices = event.get("choices") or []
        if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
            raise ShapeError("an event whose choices are no list of objects")
        return "".join([self._add_choice(choice) for choice in choices])

    def _add_choice(self, event: dict[str, Any]) -> str:
        index = event.get("index", 0)
        if type(index) is not int:
            raise ShapeError("a choice whose index is no number")
        choice = self._choices.setdefault(index, _Choice())
        part = event.get("delta") if self._chat else event
        part = part if isinstance(part, dict) else {}
        text = content_text(part.get("content" if self._chat else "text"))
        choice.texts.append(text)
        for call in part.get("tool_calls") or []:
            _add_tool_call(choice.tool_calls, call)
        if isinstance(event.get("finish_reason"), str):
            choice.finish_reason = event["finish_reason"]
        return text if index == 0 else ""

    def body(self) -> dict[str, Any]:
        """Return the JSON of the answer without streaming."""
        choices = []
        for index, choice in sorted(self._choices.items()):
            text = "".join(choice.texts)
            if self._chat:
                message: dict[str, Any] = {"role": "assistant", "content": text}
                if choice.tool_calls:
                    message["tool_calls"] = [call for _, call in sorted(choice.tool_calls.items())]
                content: dict[str, Any] = {"message": message}
            else:
                content = {"text": text}
            choices.append({"index": index, **content, "finish_reason": choice.finish_reason})
        return {**self._first, "choices": choices, "usage": self._usage}


def _add_tool_call(calls: dict[int, dict[str, Any]], part: Any) -> None:
    """Add an event's part of a tool call: its arguments come in pieces, all else at once."""
    if not isinstance(part, dict) or type(part.get("index", 0)) is not int:
        raise ShapeError("a tool call that is no object with an index")
    call = calls.setdefault(part.get("index", 0), {"type": "function", "function": {"name": "", "arguments": ""}})
    if part.get("id"):
        call["id"] = part["id"]
    function = part.get("function")
    if isinstance(function, dict):
        for name in ("name", "arguments"):
            call["function"][name] += str(function.get(name) or "")
