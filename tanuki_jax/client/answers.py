"""The two ends of a request, answer and failure, as values; and the reading of answers from JSON."""

import dataclasses
from collections.abc import Mapping
from typing import Any

MOST_TOKENS = 1 << 53
"""Largest token count that is believed; a larger integer may exceed what a float holds."""


@dataclasses.dataclass(frozen=True)
class Usage:
    """Tokens of a request as the server counted them; 0 where it does not say."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclasses.dataclass(frozen=True)
class Content:
    """The useful part of an answer."""

    texts: tuple[str, ...]
    """Texts of the choices; one is empty where the model answered with tool calls only."""
    finish_reasons: tuple[str | None, ...]
    """Reason for the end of each choice, as in "stop" or "length"; None: the server does not say."""
    vectors: tuple[list[float], ...]
    """Embeddings, in the order of their texts."""
    usage: Usage
    raw: dict[str, Any] = dataclasses.field(repr=False)
    """The answer's JSON. Of a stream: its events joined, as in `client/streamed_answer.py`."""


@dataclasses.dataclass(frozen=True)
class Answer(Content):
    """A request that was answered."""

    endpoint: str
    """Address of the endpoint that answered."""
    tries: int
    """Number of attempts that count, the last one included."""
    delays: int
    """Number of attempts that do not count: answers 429, and connections that could not be made."""
    seconds: float
    """Time from the beginning of the request's work to the answer."""

    @property
    def text(self) -> str:
        """Return the text of the first choice."""
        return self.texts[0]

    @property
    def finish_reason(self) -> str | None:
        """Return the reason for the end of the first choice."""
        return self.finish_reasons[0]


@dataclasses.dataclass(frozen=True)
class Failure:
    """A request that was given up."""

    kind: str
    """Outcome of the last attempt, as in the table of `client/outcomes.py`; "deadline": none has ended."""
    status: int | None
    """Status code of the last attempt, if it had one."""
    message: str
    """The last attempt in words, and why there is no further one."""
    endpoint: str
    """Address of the last attempt's endpoint; empty: there was none."""
    tries: int
    """Number of attempts that count."""
    delays: int
    """Number of attempts that do not count: answers 429, and connections that could not be made."""
    seconds: float
    """Time from the beginning of the request's work to its end."""


@dataclasses.dataclass(frozen=True)
class Restart:
    """An event of a stream: it broke and begins again, so that all text that came before is void."""

    reason: str


class ShapeError(ValueError):
    """JSON that is no answer to the request."""


def expected_count(path: str, request: Mapping[str, Any]) -> int | None:
    """Return the number of choices or embeddings that a request asks for; None: it is not known.

    It is `n` for a conversation, `n` for each prompt of a completion, and one embedding a text.
    """
    n = 1 if path == "embeddings" or request.get("n") is None else request["n"]
    if type(n) is not int or n < 1:
        return None
    match path:
        case "chat/completions":
            return n
        case "completions":
            return n * _input_count(request.get("prompt")) or None
        case "embeddings":
            return _input_count(request.get("input")) or None
    return None


def _input_count(value: Any) -> int:
    """Return the number of inputs in a field that holds a text, token ids, or a list of either; 0: it is none."""
    if isinstance(value, str):
        return 1
    if not isinstance(value, (list, tuple)):
        return 0
    return 1 if value and all(type(item) is int for item in value) else len(value)


def read_answer(path: str, body: Any, count: int | None = None) -> Content:
    """Return the content of an answer.

    Args:
        path: path of the request below /v1. Another one than chat/completions, completions and embeddings may be
            answered with any object, which is returned as `raw` alone.
        body: JSON of the answer.
        count: number of choices or embeddings that the answer must have; None: at least one choice.

    Raises:
        ShapeError: the JSON is no such answer.
    """
    if not isinstance(body, dict):
        raise ShapeError(f"{kind_of(body)} where an object should be")
    if (error := body.get("error")) and "choices" not in body:
        raise ShapeError(f"an error with status 200: {error_text(body) or error}")
    texts: tuple[str, ...] = ()
    reasons: tuple[str | None, ...] = ()
    vectors: tuple[list[float], ...] = ()
    if path in ("chat/completions", "completions"):
        choices = [_choice(choice, chat=path.startswith("chat")) for choice in _rows(body, "choices", count)]
        if not choices:
            raise ShapeError("no choices")
        texts, reasons = tuple(text for text, _ in choices), tuple(reason for _, reason in choices)
    elif path == "embeddings":
        vectors = _vectors(body, count)
    return Content(texts, reasons, vectors, read_usage(body.get("usage")), body)


def _choice(choice: Mapping[str, Any], *, chat: bool) -> tuple[str, str | None]:
    """Return text and reason for the end of a choice."""
    reason = choice.get("finish_reason")
    reason = reason if isinstance(reason, str) else None
    if not chat:
        if not isinstance(choice.get("text"), str):
            raise ShapeError("a choice without text")
        return choice["text"], reason
    message = choice.get("message")
    if not isinstance(message, dict):
        raise ShapeError("a choice without message")
    return content_text(message.get("content")), reason


def content_text(content: Any) -> str:
    """Return the text of a message's `content`, which may also be null (with tool calls) or a list of parts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "".join(part["text"] for part in content if isinstance(part.get("text"), str))
    raise ShapeError(f"{kind_of(content)} as the content of a message")


def _vectors(body: Mapping[str, Any], count: int | None) -> tuple[list[float], ...]:
    vectors = tuple(row.get("embedding") for row in _rows(body, "data", count))
    for vector in vectors:
        if not isinstance(vector, list) or not all(type(number) in (float, int) for number in vector):
            raise ShapeError("an embedding that is no list of numbers")
    return vectors  # type: ignore[return-value]


def _rows(body: Mapping[str, Any], name: str, count: int | None) -> list[dict[str, Any]]:
    """Return the objects of a list, in the order of their indices. ShapeError if they are not as many as expected."""
    rows = body.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ShapeError(f"no list of objects in {name!r}")
    if count is not None and len(rows) != count:
        raise ShapeError(f"{len(rows)} objects in {name!r}, and the request asks for {count}")
    return sorted(rows, key=lambda row: row["index"]) if all(type(row.get("index")) is int for row in rows) else rows


def read_usage(usage: Any) -> Usage:
    """Return the token counts of an answer; 0 where they are missing, no counts, or impossibly large."""
    if not isinstance(usage, dict):
        return Usage()
    counts = (usage.get(name) for name in ("prompt_tokens", "completion_tokens"))
    return Usage(*(value if type(value) is int and 0 < value <= MOST_TOKENS else 0 for value in counts))


def error_text(body: Any) -> str:
    """Return the message in an error's JSON, in the form of OpenAI or of FastAPI; empty: there is none."""
    if not isinstance(body, dict):
        return ""
    error = body.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return str(message or body.get("message") or body.get("detail") or "")


def kind_of(value: Any) -> str:
    """Return the JSON type of a value in words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
