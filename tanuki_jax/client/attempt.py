"""One attempt of a request at one endpoint: HTTP, and what came of it. Nothing is tried again here."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tanuki_jax.client import outcomes
from tanuki_jax.client.answers import Content, ShapeError, error_text, expected_count, read_answer
from tanuki_jax.client.outcomes import Outcome
from tanuki_jax.client.retry_after import read_retry_after
from tanuki_jax.client.server_sent_events import EventBuffer
from tanuki_jax.client.streamed_answer import StreamedAnswer

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

ERROR_BYTES = 1 << 16
"""Part of an error's body that is read."""
SHOWN = 200
"""Characters of a server's message that an error quotes."""
END_SECONDS = 5.0
"""Time for the end of a stream after all choices have ended; at most a quarter of an attempt's."""
TAG = re.compile(r"<[^<>]*>")
"""A tag of HTML; without "<" inside, so that the search takes linear time."""


@dataclasses.dataclass(frozen=True)
class Unusable:
    """An attempt that gave no answer."""

    outcome: Outcome
    message: str
    """The reason in words, to follow the endpoint's address."""
    status: int | None = None
    retry_after: float | None = None
    """Seconds that the server asks to wait; None: it does not say."""


@dataclasses.dataclass(frozen=True)
class Caller:
    """Session and limits, the same for all attempts of a client."""

    session: ClientSession
    attempt_seconds: float
    largest: int
    """Most bytes of an answer."""


@dataclasses.dataclass(frozen=True)
class Work:
    """A request, whichever endpoint answers it."""

    path: str
    """Path below /v1."""
    body: dict[str, Any] | None
    """JSON to send by POST; None: the request is a GET."""
    on_text: Callable[[str], None] | None = None
    """Takes the pieces of a streamed text."""

    @property
    def count(self) -> int | None:
        """Return the number of choices or embeddings that are expected; None: it is not known."""
        return expected_count(self.path, self.body or {})

    def encoded(self, model: str) -> bytes | None:
        """Return the body, with the endpoint's model unless it names one itself, as JSON.

        ValueError if it is no JSON: then no attempt makes sense.
        """
        if self.body is None:
            return None
        body = {"model": model, **self.body}
        try:
            return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which UTF-8 cannot hold
            return json.dumps(body, allow_nan=False).encode()


async def attempt(caller: Caller, base: str, key: str, work: Work, model: str) -> Content | Unusable:
    """Send a request once and return its answer, or the reason why there is none.

    Args:
        caller: session and limits.
        base: the endpoint's address, with /v1.
        key: its API key; empty: none.
        work: the request.
        model: the endpoint's model.
    """
    data = work.encoded(model)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    try:
        async with (
            asyncio.timeout(caller.attempt_seconds),
            caller.session.request(
                "GET" if data is None else "POST",
                f"{base}/{work.path}",
                data=data,
                headers=headers,
                allow_redirects=False,
            ) as response,
        ):
            return await _read(caller, response, work, key)
    except Exception as error:
        outcome = outcomes.of_error(error)
        if outcome is None:
            raise
        return Unusable(outcome, _in_words(outcome, error, caller.attempt_seconds, key))


def _without_key(text: str, key: str) -> str:
    """Return a server's text without the API key: some servers quote the key that they refuse."""
    return text.replace(key, "[key]") if key else text


def _quoted(text: str, key: str) -> str:
    """Return the beginning of a server's text on one line, without the API key.

    The key is replaced before the cut, or the beginning of a key at the cut would stay.
    """
    return " ".join(_without_key(text, key).split())[:SHOWN]


async def _read(caller: Caller, response: ClientResponse, work: Work, key: str) -> Content | Unusable:
    outcome = outcomes.of_status(response.status)
    if outcome is not outcomes.ANSWERED:
        return await _refusal(response, outcome, key)
    try:
        if work.body is not None and work.body.get("stream"):
            return await _read_stream(caller, response, work)
        body = await _read_bytes(response, caller.largest)
        if body is None:
            return _too_large(caller, response)
        return read_answer(work.path, json.loads(body), work.count)
    except ShapeError as error:
        return Unusable(outcomes.MALFORMED, f"answered with {_quoted(str(error), key)}", response.status)
    except (ValueError, RecursionError):
        kind = _quoted(response.headers.get("Content-Type", "no type"), key)
        return Unusable(outcomes.MALFORMED, f"answered with what is no JSON ({kind})", response.status)


async def _read_bytes(response: ClientResponse, largest: int) -> bytes | None:
    """Return the body; None if it is longer than allowed."""
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > largest:
            return None
        pieces.append(piece)
    return b"".join(pieces)


async def _read_stream(caller: Caller, response: ClientResponse, work: Work) -> Content | Unusable:
    buffer, size = EventBuffer(), 0
    answer = StreamedAnswer(chat=work.path == "chat/completions", count=work.count)
    pieces, patience = response.content.iter_any(), min(END_SECONDS, caller.attempt_seconds / 4)
    try:
        while not answer.done:
            async with asyncio.timeout(patience if answer.complete else None):
                piece = await anext(pieces, b"")
            if not piece:
                break
            size += len(piece)
            if size > caller.largest:
                return _too_large(caller, response)
            for event in buffer.feed(piece):
                text = answer.add(event)
                if text and work.on_text is not None:
                    work.on_text(text)
    except Exception as error:
        if not answer.complete or isinstance(error, ShapeError):
            raise  # else nothing is missing but the counts of tokens and the end: no reason to pay for another answer
    if not answer.complete:
        return Unusable(
            outcomes.CUT, "ended the stream before all its choices had their finish_reason", response.status
        )
    return read_answer(work.path, answer.body(), work.count)


def _too_large(caller: Caller, response: ClientResponse) -> Unusable:
    response.close()  # the rest is not read
    return Unusable(outcomes.TOO_LARGE, f"sent more than {caller.largest:,} bytes", response.status)


async def _refusal(response: ClientResponse, outcome: Outcome, key: str) -> Unusable:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > ERROR_BYTES:
            response.close()
            break
    text = body.decode(errors="replace")
    try:
        message = error_text(json.loads(text))
    except (ValueError, RecursionError):  # a page of a proxy, or an error of which the rest was not read
        text = _without_key(text, key)
        text = text[: -len(key)] if key and len(body) > ERROR_BYTES else text  # the end may be the beginning of the key
        message = TAG.sub(" ", text)
    if outcome is outcomes.REDIRECT:
        message = (
            "redirects are not followed; its Location is " + response.headers.get("Location", "").partition("?")[0]
        )
    message = _quoted(message, key)
    return Unusable(
        outcome,
        f"answered {response.status}" + (f": {message}" if message else ""),
        response.status,
        read_retry_after(response.headers.get("Retry-After"), time.time()),
    )


def _in_words(outcome: Outcome, error: Exception, attempt_seconds: float, key: str) -> str:
    reason = _quoted(str(getattr(error, "os_error", None) or error), key)
    match outcome:
        case outcomes.TIMEOUT:
            return f"gave no complete answer within {attempt_seconds:g} s"
        case outcomes.UNREACHABLE:
            return f"could not be connected to ({reason})"
        case outcomes.UNKNOWN_HOST:
            return f"has no address ({reason})"
        case outcomes.TLS:
            return f"could not be connected to with TLS ({reason})"
        case outcomes.RESET:
            return "closed the connection before it answered"
        case outcomes.CUT:
            return "closed the connection before the end of its answer"
    return f"answered with what is no HTTP ({type(error).__name__})"
