"""The client against real mock teachers: each kind of request, streams, models, waits, deadlines."""

import asyncio
import dataclasses
import json
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.answers import Answer, Failure, Restart, Usage
from tanuki_jax.client.client import Client
from tanuki_jax.client.rehearsal.mock_answers import write_answer
from tanuki_jax.config.endpoints import Endpoint, Requests
from tests.client.canned import canned, impatient, serving
from tests.rehearsal import teaching

ASK = [{"role": "user", "content": "狸と化け学について、例を挙げて説明してください。🦝"}]
TEXT = write_answer({"messages": ASK}, chat=True).body()["choices"][0]["message"]["content"]
GOOD = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}
DEAD = "http://127.0.0.1:9/v1"
"""Address at which nothing listens: the port of the discard service."""


def good() -> web.Response:
    return web.json_response(GOOD)


def test_each_kind_of_request_is_answered_and_counted(tmp_path: Path) -> None:
    async def run() -> None:
        async with teaching(tmp_path / "log.jsonl") as teacher:
            endpoint = Endpoint(url=teacher.url, input_price=1.0, output_price=10.0)
            async with Client([endpoint]) as client:
                chat = await client.chat(ASK, n=2)
                completion = await client.complete("tell me about raccoon dogs", max_tokens=3)
                ids = await client.complete([1, 2, 3])
                vectors = await client.embed(["a", "b", "a"])
                models = await client.post("chat/completions", {"messages": ASK, "model": "rehearsal"})
                totals = client.totals
        answers = [answer for answer in (chat, completion, ids, vectors, models) if isinstance(answer, Answer)]
        assert len(answers) == 5
        assert answers[0].texts[0] == TEXT
        assert len(answers[0].texts) == 2
        assert (answers[1].finish_reason, answers[1].usage.output_tokens) == ("length", 3)
        assert answers[3].vectors[0] == answers[3].vectors[2] != answers[3].vectors[1]
        assert {(answer.endpoint, answer.tries, answer.delays) for answer in answers} == {(teacher.url, 1, 0)}
        assert (totals.answers, totals.attempts) == (5, 5)
        used = [answer.usage for answer in answers]
        counted = Usage(sum(each.input_tokens for each in used), sum(each.output_tokens for each in used))
        assert Usage(totals.input_tokens, totals.output_tokens) == counted
        assert totals.cost == pytest.approx((counted.input_tokens + 10 * counted.output_tokens) / 1e6)

    asyncio.run(run())


async def events_of(client: Client, **fields: Any) -> list[str | Restart | Answer | Failure]:
    return [event async for event in client.stream_chat(ASK, **fields)]


def test_a_stream_yields_its_pieces_and_ends_with_the_answer(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            teaching(tmp_path / "log.jsonl", tokens_per_second=1000) as teacher,
            Client([Endpoint(url=teacher.url)]) as client,
        ):
            *pieces, answer = await events_of(client)
            plain = await client.chat(ASK)
        assert isinstance(answer, Answer) and isinstance(plain, Answer)
        assert len(pieces) > 10
        assert "".join(map(str, pieces)) == answer.text == plain.text == TEXT
        assert (answer.finish_reason, answer.usage) == (plain.finish_reason, plain.usage)

    asyncio.run(run())


def test_a_stream_that_breaks_says_that_its_text_is_void(tmp_path: Path) -> None:
    async def run() -> None:
        restarts = 0
        async with (
            teaching(tmp_path / "log.jsonl", cut=0.3, broken_json=0.1) as teacher,
            impatient(teacher.url, tries=100) as client,
        ):
            for number in range(30):
                text = ""
                async for event in client.stream_chat(ASK, model="rehearsal", user=str(number)):
                    if isinstance(event, Restart):
                        text, restarts = "", restarts + 1
                    elif isinstance(event, str):
                        text += event
                assert isinstance(event, Answer)
                assert text == event.text == TEXT
        assert restarts > 3

    asyncio.run(run())


def test_a_stream_that_begins_late_has_no_text_that_is_void() -> None:
    event = {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}
    stream = f"data: {json.dumps(event)}\n\n"
    broken = [lambda: web.Response(status=503), lambda: web.Response(status=429), lambda: web.Response(text="")]

    async def run() -> None:
        async with serving(canned(*broken, lambda: web.Response(text=stream))) as url, impatient(url) as client:
            text, answer = await events_of(client)
            assert isinstance(answer, Answer)
            assert (text, answer.text, answer.tries, answer.delays) == ("a", "a", 3, 1)

    asyncio.run(run())


def test_a_stream_ends_with_done_even_if_its_connection_does_not() -> None:
    event = {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode())
        await asyncio.Event().wait()
        return response

    async def run() -> None:
        async with serving(handle) as url, impatient(url, attempt_seconds=1) as client:
            *_, answer = await events_of(client)
            assert isinstance(answer, Answer)
            assert answer.seconds < 0.5

    asyncio.run(run())


@pytest.mark.parametrize(
    ("choices", "kind", "words"),
    [
        ([{"delta": {"content": "a"}, "finish_reason": "stop"}], "cut", "before all its choices had their"),
        ([{"delta": {"tool_calls": 5}}], "malformed", "tool_calls are no list of objects"),
    ],
)
def test_a_stream_of_another_form_is_a_named_failure(choices: Any, kind: str, words: str) -> None:
    stream = f"data: {json.dumps({'choices': choices})}\n\ndata: [DONE]\n\n"

    async def run() -> None:
        async with serving(canned(lambda: web.Response(text=stream))) as url, impatient(url) as client:
            *_, failure = await events_of(client, n=2)
            assert isinstance(failure, Failure)
            assert (failure.kind, failure.tries) == (kind, 3)
            assert words in failure.message

    asyncio.run(run())


def test_an_answer_without_all_its_choices_is_a_named_failure() -> None:
    async def run() -> None:
        async with serving(canned(good)) as url, impatient(url) as client:
            failure = await client.chat(ASK, n=2)
            assert isinstance(failure, Failure)
            assert failure.kind == "malformed"
            assert "1 objects in 'choices', and the request asks for 2" in failure.message

    asyncio.run(run())


def test_an_impossible_token_count_does_not_end_the_run() -> None:
    async def run() -> None:
        body = {**GOOD, "usage": {"prompt_tokens": 10**400}}
        async with serving(canned(lambda: web.json_response(body))) as url, impatient(url) as client:
            assert isinstance(await client.chat(ASK), Answer)
            assert client.totals.input_tokens == 0

    asyncio.run(run())


def test_a_reader_who_leaves_a_stream_ends_the_request(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            teaching(tmp_path / "log.jsonl", tokens_per_second=15) as teacher,
            Client([Endpoint(url=teacher.url, concurrency=1)]) as client,
        ):
            start = time.monotonic()
            for _ in range(3):  # with one place, the next stream needs the place of the last
                stream = client.stream_chat(ASK)
                async for event in stream:
                    assert isinstance(event, str)
                    break
                await stream.aclose()
            assert time.monotonic() - start < 2  # a whole stream takes 5 s
            assert client._pool.live[0].in_flight == 0

    asyncio.run(run())


def test_a_limit_of_time_does_not_strike_the_reader_of_a_stream(tmp_path: Path) -> None:
    async def run() -> None:
        async with teaching(tmp_path / "log.jsonl", tokens_per_second=50) as teacher:
            requests = Requests(attempt_seconds=0.15, deadline_seconds=0.15, stalled_seconds=10)
            async with Client([Endpoint(url=teacher.url)], requests) as client:
                events = []
                async for event in client.stream_chat(ASK):
                    events.append(event)
                    if len(events) == 1:
                        await asyncio.sleep(0.3)  # longer than the limits: the request ends, and not this wait
                assert isinstance(events[-1], Failure)
                assert events[-1].kind in ("timeout", "deadline")

    asyncio.run(run())


def test_the_only_model_of_an_endpoint_need_not_be_named(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            teaching(tmp_path / "log.jsonl", models=("狸",)) as teacher,
            Client([Endpoint(url=teacher.url)]) as client,
        ):
            answers = await asyncio.gather(*(client.chat(ASK) for _ in range(20)))
            assert {answer.raw["model"] for answer in answers if isinstance(answer, Answer)} == {"狸"}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("models", "words"),
    [(["a", "b"], r"lists 2 models \(a, b\); set the endpoint's model to one of its names$"), ([], "lists no model;")],
)
def test_several_models_or_none_must_be_chosen_from(models: list[str], words: str) -> None:
    async def run() -> None:
        body = {"data": [{"id": name} for name in models]}
        async with (
            serving(canned(lambda: web.json_response(body))) as url,
            Client([Endpoint(url=url)]) as client,
        ):
            await asyncio.gather(*(client.chat(ASK) for _ in range(3)))

    with pytest.raises(InputError, match=words):
        asyncio.run(run())


def test_a_list_of_models_that_fails_is_asked_for_again() -> None:
    async def run() -> None:
        listed = lambda: web.json_response({"data": [{"id": "m"}]})  # noqa: E731
        broken = lambda: web.Response(status=503)  # noqa: E731
        async with (
            serving(canned(broken, broken, listed, good)) as url,
            Client([Endpoint(url=url)], first_wait=0.01, longest_wait=0.01) as client,
        ):
            answer = await client.chat(ASK)
            assert isinstance(answer, Answer)
            assert answer.tries == 3

    asyncio.run(run())


def test_requests_that_wait_for_the_models_fail_together() -> None:
    """A server that lists no models in time costs one attempt's seconds, not one for each request."""

    async def never(request: web.Request) -> web.Response:
        assert request.path == "/v1/models"
        await asyncio.Event().wait()
        return web.Response()

    async def run() -> None:
        requests = Requests(attempt_seconds=0.2, tries=1, failure_share=1.0)
        async with serving(never) as url, Client([Endpoint(url=url, concurrency=16)], requests) as client:
            start = time.monotonic()
            results = await asyncio.gather(*(client.chat(ASK) for _ in range(16)))
            assert time.monotonic() - start < 1
            assert {result.kind for result in results if isinstance(result, Failure)} == {"timeout"}
            assert all("when asked for its models" in getattr(result, "message", "") for result in results)

    asyncio.run(run())


def test_a_client_needs_an_endpoint() -> None:
    with pytest.raises(InputError, match="name at least one"):
        Client([])


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        (lambda: "0.2", 0.2, 0.6),
        (lambda: formatdate(time.time() + 1000, usegmt=True), 0.28, 0.6),
        (lambda: "0", 0.0, 0.27),
        (lambda: "-7", 0.0, 0.27),
        (lambda: formatdate(time.time() - 1000, usegmt=True), 0.0, 0.27),
        (lambda: "soon", 0.0, 0.27),
        (lambda: "9" * 500, 0.28, 0.6),
    ],
    ids=["seconds", "date", "zero", "negative", "past", "nonsense", "huge"],
)
def test_retry_after_is_obeyed_within_the_deadline(header: Any, least: float, most: float) -> None:
    """Half of the deadline of 0.6 seconds is waited where more is asked for."""

    async def run() -> None:
        limited = lambda: web.Response(status=429, headers={"Retry-After": header()})  # noqa: E731
        async with (
            serving(canned(limited, good)) as url,
            impatient(url, attempt_seconds=0.6, deadline_seconds=0.6) as client,
        ):
            answer = await client.chat(ASK)
            assert isinstance(answer, Answer)
            assert least <= answer.seconds <= most
            assert (answer.tries, answer.delays) == (1, 1)

    asyncio.run(run())


def test_a_server_that_refuses_until_the_deadline_gets_no_burst() -> None:
    refused = []

    def refuse() -> web.Response:
        refused.append(time.monotonic())
        return web.Response(status=429, headers={"Retry-After": "100"})

    async def run() -> None:
        async with serving(canned(refuse)) as url, impatient(url, attempt_seconds=0.4, deadline_seconds=0.4) as client:
            failure = await client.chat(ASK)
            assert isinstance(failure, Failure)
            assert (failure.kind, failure.tries, failure.delays) == ("rate_limited", 0, len(refused))
            assert "is left for a further attempt" in failure.message

    asyncio.run(run())
    assert 3 <= len(refused) <= 6  # after 0.2, 0.3, 0.35, 0.375, 0.3875 s


def test_another_endpoint_answers_what_one_cannot(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with teaching(tmp_path / "log.jsonl") as teacher:
            endpoints = [Endpoint(url=DEAD, model="rehearsal"), Endpoint(url=teacher.url)]
            async with Client(endpoints, seed=0) as client:
                start = time.monotonic()
                answers = await asyncio.gather(*(client.chat(ASK) for _ in range(200)))
                assert time.monotonic() - start < 3
                assert {answer.endpoint for answer in answers} == {teacher.url}
                dead, alive = client.totals_by_endpoint
                assert alive.answers == 200
                assert dead.attempts == dead.outcomes["unreachable"] > 0

    asyncio.run(run())
    assert any("is left alone" in record.message for record in caplog.records)


def test_requests_without_any_endpoint_fail_by_name_at_their_deadline() -> None:
    async def run() -> None:
        async with impatient(DEAD, attempt_seconds=0.15, deadline_seconds=0.15, failure_share=1.0) as client:
            start = time.monotonic()
            results = await asyncio.gather(*(client.chat(ASK) for _ in range(64)))
            assert time.monotonic() - start < 1.5
            assert all(isinstance(result, Failure) for result in results)
            kinds = {result.kind for result in results if isinstance(result, Failure)}
            assert kinds <= {"unreachable", "deadline"}

    asyncio.run(run())


def test_deadlines_do_not_run_while_requests_wait_their_turn(tmp_path: Path) -> None:
    async def run() -> None:
        requests = Requests(attempt_seconds=0.25, deadline_seconds=0.25)
        async with (
            teaching(tmp_path / "log.jsonl", latency=0.03) as teacher,
            Client([Endpoint(url=teacher.url, concurrency=2)], requests) as client,
        ):
            start = time.monotonic()
            answers = await asyncio.gather(*(client.chat(ASK) for _ in range(24)))
            assert time.monotonic() - start > 0.35
            assert all(isinstance(answer, Answer) and answer.seconds < 0.25 for answer in answers)

    asyncio.run(run())


def test_a_cancelled_request_gives_its_place_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            teaching(tmp_path / "log.jsonl", latency=0.02) as teacher,
            Client([Endpoint(url=teacher.url, concurrency=2)]) as client,
        ):
            for _ in range(20):
                tasks = [asyncio.create_task(client.chat(ASK)) for _ in range(5)]
                await asyncio.sleep(0.005)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(await client.chat(ASK), Answer)
            assert client._pool.live[0].in_flight == 0

    asyncio.run(run())


def test_results_can_be_written_as_they_are() -> None:
    async def run() -> None:
        async with serving(canned(good)) as url, impatient(url) as client:
            assert dataclasses.asdict(await client.chat(ASK))["texts"] == ("a",)

    asyncio.run(run())
