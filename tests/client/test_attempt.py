"""Answers of odd servers, and servers that are not there: each is one named failure."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from tanuki_jax.client.answers import Answer, Failure
from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Endpoint, Requests
from tests.client.canned import canned, impatient, serving
from tests.rehearsal import teaching

ASK = [{"role": "user", "content": "狸とは何ですか。"}]


def ask(response: Callable[[], web.Response], **fields: Any) -> Answer | Failure:
    """Return how a request ends at a server that always answers so."""

    async def run() -> Answer | Failure:
        async with serving(canned(response)) as url, impatient(url, **fields) as client:
            return await client.chat(ASK)

    return asyncio.run(run())


def failure_of(url: str, **fields: Any) -> Failure:
    """Return the failure of a request to an address."""

    async def run() -> Answer | Failure:
        async with impatient(url, **fields) as client:
            return await client.chat(ASK)

    result = asyncio.run(run())
    assert isinstance(result, Failure)
    return result


ODD = {
    "html": (
        lambda: web.Response(text="<html><h1>It works!</h1>", content_type="text/html"),
        "malformed",
        3,
        "no JSON",
    ),
    "empty": (lambda: web.Response(text=""), "malformed", 3, "no JSON"),
    "half of the JSON": (lambda: web.Response(text='{"choices": [{"message"'), "malformed", 3, "no JSON"),
    "no UTF-8": (lambda: web.Response(body=b"\xff\xfe{}"), "malformed", 3, "no JSON"),
    "deep": (lambda: web.Response(text="[" * 100_000), "malformed", 3, "no JSON"),
    "a long number": (lambda: web.Response(text="9" * 5_000), "malformed", 3, "no JSON"),
    "text": (lambda: web.Response(text='"text"'), "malformed", 3, "text where an object should be"),
    "no choices": (lambda: web.Response(text='{"choices": []}'), "malformed", 3, "0 objects in 'choices'"),
    "error with 200": (lambda: web.Response(text='{"error": {"message": "no memory"}}'), "malformed", 3, "no memory"),
    "204": (lambda: web.Response(status=204), "malformed", 3, "no JSON"),
    "redirect": (
        lambda: web.Response(status=302, headers={"Location": "http://a/b?key=1"}),
        "redirect",
        1,
        "http://a/b",
    ),
    "500 with HTML": (
        lambda: web.Response(status=500, text="<html><b>Bad</b> luck</html>"),
        "server_error",
        3,
        "500: Bad luck",
    ),
    "502": (lambda: web.Response(status=502), "server_error", 3, "answered 502"),
    "401": (lambda: web.Response(status=401, text='{"error": {"message": "who?"}}'), "unauthorized", 1, "401: who?"),
    "404": (lambda: web.Response(status=404, text='{"detail": "Not Found"}'), "not_found", 1, "404: Not Found"),
    "422": (lambda: web.Response(status=422, text="x" * 1_000_000), "bad_request", 1, "xxx"),
    "too long": (lambda: web.Response(body=b" " * 2_000_000), "too_large", 1, "more than 1,048,576 bytes"),
    "control characters": (lambda: web.Response(text="\x00\x1b[31m", status=400), "bad_request", 1, "answered 400"),
}


@pytest.mark.parametrize(("response", "kind", "tries", "words"), ODD.values(), ids=ODD)
def test_an_odd_answer_is_a_named_failure(
    response: Callable[[], web.Response], kind: str, tries: int, words: str
) -> None:
    result = ask(response)
    assert isinstance(result, Failure)
    assert (result.kind, result.tries) == (kind, tries)
    assert words in result.message
    assert len(result.message) < 400
    assert "key=1" not in result.message


@pytest.mark.parametrize("content", ["", None, "狸🦝\u2028‮", "\ud83d"])
def test_an_odd_text_is_an_answer(content: str | None) -> None:
    body = {"choices": [{"message": {"content": content, "tool_calls": None}, "finish_reason": "stop"}]}
    result = ask(lambda: web.json_response(body))
    assert isinstance(result, Answer)
    assert result.text == (content or "")


def test_an_answer_without_usage_counts_no_tokens() -> None:
    async def run() -> None:
        body = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": None}
        async with serving(canned(lambda: web.json_response(body))) as url, impatient(url) as client:
            assert isinstance(await client.chat(ASK), Answer)
            assert (client.totals.answers, client.totals.output_tokens) == (1, 0)

    asyncio.run(run())


def test_a_compressed_answer_counts_by_its_length_without_compression() -> None:
    def bomb() -> web.Response:
        response = web.Response(body=b" " * 50_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    result = ask(bomb)
    assert isinstance(result, Failure)
    assert result.kind == "too_large"


def test_a_message_of_half_a_surrogate_pair_is_sent() -> None:
    seen: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(await request.json())
        return web.json_response({"choices": [{"message": {"content": "a"}}]})

    async def run() -> None:
        async with serving(handle) as url, impatient(url) as client:
            for text in ("狸\ud83d", "狸🦝"):
                assert isinstance(await client.chat([{"role": "user", "content": text}]), Answer)
            with pytest.raises(ValueError, match="not JSON compliant"):
                await client.chat(ASK, temperature=float("nan"))

    asyncio.run(run())
    assert [body["messages"][0]["content"] for body in seen] == ["狸\ud83d", "狸🦝"]
    assert seen[0]["model"] == "m"


def test_a_wrong_port_ends_at_the_deadline() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        result = failure_of(f"http://127.0.0.1:{free.getsockname()[1]}", attempt_seconds=0.15, deadline_seconds=0.15)
    assert (result.kind, result.tries) == ("unreachable", 0)
    assert "could not be connected to (" in result.message
    assert result.message.endswith("the deadline of 0.15 s is over")
    assert result.delays >= 2


def test_a_name_without_address_is_named() -> None:
    result = failure_of("http://no-such-host.invalid")
    assert (result.kind, result.tries) == ("unknown_host", 3)
    assert result.message.startswith("http://no-such-host.invalid/v1 has no address (")


def test_tls_at_a_plain_port_is_named() -> None:
    async def run() -> Answer | Failure:
        async with serving(canned(web.Response())) as url, impatient(url.replace("http:", "https:")) as client:
            return await client.chat(ASK)

    result = asyncio.run(run())
    assert isinstance(result, Failure)
    assert (result.kind, result.tries) == ("tls", 3)
    assert "could not be connected to with TLS (" in result.message


async def serve_bytes(reply: bytes) -> asyncio.Server:
    """Start a server that reads a request and answers with these bytes, whatever they are."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(reply)
        await writer.drain()
        writer.close()

    return await asyncio.start_server(handle, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"", "reset"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "malformed"),
        (bytes([22, 3, 3, 0, 2, 1, 0]), "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", "cut"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "cut"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n", "malformed"),
    ],
)
def test_what_is_no_http_is_named(reply: bytes, kind: str) -> None:
    async def run() -> Answer | Failure:
        async with await serve_bytes(reply) as server:
            client = impatient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            async with client:
                return await client.chat(ASK)

    result = asyncio.run(run())
    assert isinstance(result, Failure)
    assert (result.kind, result.tries) == (kind, 3)


def test_a_server_that_never_answers_costs_an_attempt() -> None:
    async def never(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async def run() -> Answer | Failure:
        async with serving(never) as url, impatient(url, attempt_seconds=0.1, tries=2) as client:
            return await client.chat(ASK)

    result = asyncio.run(run())
    assert isinstance(result, Failure)
    assert (result.kind, result.tries) == ("timeout", 2)
    assert "gave no complete answer within 0.1 s; this was try 2 of 2" in result.message


KEY = "sk-secret-12345678901234567890"
LEAKS = {
    "error": lambda blanks: web.json_response({"error": {"message": "x" * blanks + KEY}}, status=401),
    "error with 200": lambda blanks: web.json_response({"error": {"message": "x" * blanks + KEY}}),
    "page": lambda blanks: web.Response(text="<b>" + "x" * blanks + KEY, status=500),
    "content type": lambda blanks: web.Response(text="", headers={"Content-Type": f"{'x' * blanks}/{KEY}"}),
    "location": lambda blanks: web.Response(status=302, headers={"Location": "x" * blanks + KEY}),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_no_cut_leaves_the_beginning_of_a_key(
    leak: Callable[[int], web.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server quotes the key at each place at which a limit may cut its message."""
    monkeypatch.setenv("TEACHER_KEY", KEY)
    blanks = [*range(0, 35, 3), *range(55, 85, 3), *range(120, 203, 3)]

    async def run() -> None:
        responses = [lambda count=count: leak(count) for count in blanks]
        async with serving(canned(*responses)) as url:
            endpoint = Endpoint(url=url, model="m", key_variable="TEACHER_KEY", concurrency=1)
            requests = Requests(tries=1, failure_share=1.0)
            for _ in blanks:  # a client for each, or the endpoint would be left alone
                async with Client([endpoint], requests) as client:
                    result = await client.chat(ASK)
                assert isinstance(result, Failure)
                assert "sk-s" not in result.message
                assert len(result.message) < 400

    asyncio.run(run())


def test_a_body_that_is_not_read_to_its_end_shows_no_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", KEY)

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=401)
        await response.prepare(request)
        await response.write(b" " * 70_000 + KEY[:-1].encode())
        await asyncio.Event().wait()
        return response

    async def run() -> None:
        async with serving(handle) as url:
            async with Client([Endpoint(url=url, model="m", key_variable="TEACHER_KEY")]) as client:
                result = await client.chat(ASK)
            assert isinstance(result, Failure)
            assert (result.kind, "sk-s" in result.message) == ("unauthorized", False)

    asyncio.run(run())


def test_a_page_of_opening_brackets_is_read_in_linear_time() -> None:
    start = time.thread_time()
    result = ask(lambda: web.Response(text="<" * 65_000, status=500))
    assert isinstance(result, Failure)
    assert result.kind == "server_error"
    assert time.thread_time() - start < 2


def test_a_key_is_sent_and_never_shown(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TEACHER_KEY", "sk-secret-1234")

    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": request.headers["Authorization"]}}, status=500)

    async def run() -> None:
        async with teaching(tmp_path / "log.jsonl", key_variable="TEACHER_KEY") as teacher:
            for variable, right in (("TEACHER_KEY", True), ("", False)):
                async with Client([Endpoint(url=teacher.url, key_variable=variable)]) as client:
                    result = await client.chat(ASK)
                    assert isinstance(result, Answer) is right
                    assert isinstance(result, Answer) or result.kind == "unauthorized"
        async with serving(handle) as url:
            endpoint = Endpoint(url=url, model="m", key_variable="TEACHER_KEY")
            async with Client([endpoint], first_wait=0.01, longest_wait=0.01) as client:
                result = await client.chat(ASK)
                assert isinstance(result, Failure)
                assert "answered 500: Bearer [key]" in result.message
                shown = [repr(part) for part in (endpoint, client, vars(client), result, client._pool.live[0])]
                assert "secret" not in " ".join([*shown, caplog.text])

    asyncio.run(run())


@pytest.mark.parametrize("end", ["stays open", "is reset"])
def test_a_stream_whose_answer_has_ended_needs_no_end_of_its_own(end: str) -> None:
    event = b'data: {"error": null, "choices": [{"index": 0, "delta": {"content": "y"}, "finish_reason": "stop"}]}\n\n'

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(event)
        if end == "stays open":
            await asyncio.sleep(60)
        assert request.transport is not None
        request.transport.abort()
        return response

    async def run() -> list[Any]:
        async with serving(handle) as url, impatient(url) as client:
            return [event async for event in client.stream_chat(ASK)]

    answer = asyncio.run(run())[-1]
    assert isinstance(answer, Answer) and answer.text == "y" and answer.tries == 1
