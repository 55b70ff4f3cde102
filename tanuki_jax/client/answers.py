"""The two ends of a request, answer and failure, as values; and the reading of answers from JSON."""

import dataclasses
from collections.abc import Mapping
from typing import Any


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
    """The answer's JSON; of a stream, the JSON that the answer would have been without streaming."""


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


def read_answer(path: str, body: Any, count: int | None = None) -> Content:
    """Return the content of an answer.

    Args:
        path: path of the request below /v1. Another one than chat/completions, completions and embeddings may be
            answered with any object, which is returned as `raw` alone.
        body: JSON of the answer.
        count: number of embeddings that were asked for, if that is known.

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
        choices = [_choice(choice, chat=path.startswith("chat")) for choice in _objects(body, "choices")]
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
    rows = _objects(body, "data")
    if count is not None and len(rows) != count:
        raise ShapeError(f"{len(rows)} embeddings for {count} texts")
    if all(type(row.get("index")) is int for row in rows):
        rows = sorted(rows, key=lambda row: row["index"])
    vectors = tuple(row.get("embedding") for row in rows)
    for vector in vectors:
        if not isinstance(vector, list) or not all(type(number) in (float, int) for number in vector):
            raise ShapeError("an embedding that is no list of numbers")
    return vectors  # type: ignore[return-value]


def _objects(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = body.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ShapeError(f"no list of objects in {name!r}")
    return value


def read_usage(usage: Any) -> Usage:
    """Return the token counts of an answer; 0 where they are missing or no counts."""
    if not isinstance(usage, dict):
        return Usage()
    counts = (usage.get(name) for name in ("prompt_tokens", "completion_tokens"))
    return Usage(*(value if type(value) is int and value > 0 else 0 for value in counts))


def error_text(body: Any) -> str:
    """Return the message in an error's JSON, in the form of OpenAI or of FastAPI; empty: there is none."""
    if not isinstance(body, dict):
        return ""
    error = body.get("error")
    found = error.get("message") if isinstance(error, dict) else error
    return str(found or body.get("message") or body.get("detail") or "")


def kind_of(value: Any) -> str:
    """Return the JSON type of a value in words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
