"""Faults of all kinds at once: each request ends as one answer or one named failure, and is not sent too often."""

import asyncio
import contextlib
import time
from collections import Counter
from pathlib import Path

import pytest

from tanuki_jax.client.answers import Answer, Failure, Restart
from tanuki_jax.client.client import Client
from tanuki_jax.client.outcomes import TABLE
from tanuki_jax.client.rehearsal.mock_answers import write_answer
from tanuki_jax.config.endpoints import Endpoint, Requests
from tests.rehearsal import Teacher, rehearsing, teaching

TRIES = 5
SHARES = {"unavailable": 0.05, "rate_limited": 0.02, "broken_json": 0.01, "stalled": 0.01, "cut": 0.01}
WORDS = [f"--{name.replace('_', '-')}={share}" for name, share in SHARES.items()]


def conversation(number: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"問{number}: 狸の化け学について説明してください。"}]


async def ask(client: Client, number: int) -> Answer | Failure:
    """Return how a request ends; every third one is a stream."""
    if number % 3:
        return await client.chat(conversation(number), user=str(number))
    text, result = "", None
    async for event in client.stream_chat(conversation(number), user=str(number)):
        assert result is None, "something came after the end"
        if isinstance(event, str):
            text += event
        elif isinstance(event, Restart):
            text = ""
        else:
            result = event
    assert result is not None
    assert isinstance(result, Failure) or result.text == text
    return result


def check(results: list[Answer | Failure], teachers: list[Teacher]) -> Counter[str]:
    """Check results against the logs of the teachers. Return how many failed, by kind."""
    sent = Counter[str]()
    for teacher in teachers:
        sent.update(line["id"] for line in teacher.log_lines() if line["answer"] != "rate_limited")
    assert max(sent.values()) <= TRIES
    for number, result in enumerate(results):
        assert sent[str(number)] <= TRIES
        if isinstance(result, Answer):
            written = write_answer({"messages": conversation(number)}, chat=True)
            assert result.text == written.body()["choices"][0]["message"]["content"]
            assert 1 <= result.tries <= TRIES
        else:
            assert result.kind in {outcome.kind for outcome in TABLE}
            assert result.message
    return Counter(result.kind for result in results if isinstance(result, Failure))


def test_faults_of_all_kinds_end_in_answers_or_named_failures(tmp_path: Path) -> None:
    """400 requests to two teachers, of which one is down for a second."""

    async def run() -> None:
        async with contextlib.AsyncExitStack() as stack:
            first = teaching(tmp_path / "a.jsonl", **SHARES, latency=0.01, down_between=(0.2, 0.5))
            second = teaching(tmp_path / "b.jsonl", **SHARES, latency=0.01, seed=1)
            teachers = [await stack.enter_async_context(each) for each in (first, second)]
            requests = Requests(attempt_seconds=0.25, deadline_seconds=20, tries=TRIES)
            endpoints = [Endpoint(url=teacher.url, model="rehearsal", concurrency=8) for teacher in teachers]
            async with Client(
                endpoints, requests, seed=0, first_wait=0.05, longest_wait=0.5, first_probe=0.1
            ) as client:
                results = await asyncio.gather(*(ask(client, number) for number in range(400)))
                outcomes = client.totals.outcomes
            assert check(results, teachers).total() <= 2
            assert {"unavailable", "rate_limited", "malformed", "timeout", "cut"} <= outcomes.keys()
            assert {"unreachable", "reset"} & outcomes.keys()

    asyncio.run(run())


def test_a_single_endpoint_that_dies_delays_requests_and_loses_none(tmp_path: Path) -> None:
    async def run() -> None:
        async with teaching(tmp_path / "log.jsonl", latency=0.01, down_between=(0.1, 0.3)) as teacher:
            requests = Requests(attempt_seconds=1, deadline_seconds=20, tries=TRIES)
            endpoint = Endpoint(url=teacher.url, model="rehearsal", concurrency=8)
            async with Client(
                [endpoint], requests, seed=0, first_wait=0.05, longest_wait=0.5, first_probe=0.1
            ) as client:
                results = await asyncio.gather(*(ask(client, number) for number in range(300)))
                assert client.totals.attempts > client.totals.answers == 300
            assert not check(results, [teacher])

    asyncio.run(run())


def lose_nothing(log: Path, seconds: float) -> Counter[str]:
    """Ask an endpoint that answers 429 for so long. Return the outcomes of all attempts."""

    async def run() -> Counter[str]:
        async with teaching(log, rate_limited_between=(0.0, seconds), retry_after=0) as teacher:
            requests = Requests(attempt_seconds=10, deadline_seconds=3 * seconds + 10, tries=1)
            endpoint = Endpoint(url=teacher.url, model="rehearsal")
            async with Client([endpoint], requests, seed=0, first_wait=0.1, longest_wait=seconds / 4) as client:
                start = time.monotonic()
                results = await asyncio.gather(*(ask(client, number) for number in range(200)))
                assert time.monotonic() - start > seconds
                assert not check(results, [teacher])
                return client.totals.outcomes

    return asyncio.run(run())


def test_seconds_of_nothing_but_429_lose_nothing(tmp_path: Path) -> None:
    outcomes = lose_nothing(tmp_path / "log.jsonl", 0.5)
    assert outcomes["answered"] == 200
    assert outcomes["rate_limited"] > 64


@pytest.mark.long
def test_30_seconds_of_nothing_but_429_lose_nothing(tmp_path: Path) -> None:
    outcomes = lose_nothing(tmp_path / "log.jsonl", 30.0)
    assert outcomes["answered"] == 200
    assert outcomes["rate_limited"] < 2000, "the endpoint was asked too often while it refused"


@pytest.mark.long
def test_faults_of_all_kinds_with_an_endpoint_down_for_a_minute(tmp_path: Path) -> None:
    """At least 10,000 requests to two teachers in processes of their own, for at least 90 seconds."""

    async def run(teachers: list[Teacher]) -> None:
        requests = Requests(attempt_seconds=5, deadline_seconds=300, tries=TRIES)
        endpoints = [Endpoint(url=teacher.url, model="rehearsal", concurrency=100) for teacher in teachers]
        async with Client(endpoints, requests, seed=0) as client:
            start, results, number = time.monotonic(), list[Answer | Failure](), 0
            while number < 10_000 or time.monotonic() - start < 90:
                results += await asyncio.gather(*(ask(client, number + index) for index in range(1000)))
                number += 1000
            outcomes = client.totals.outcomes
        failed = check(results, teachers)
        print(f"{number:,} requests in {time.monotonic() - start:.0f} s, failed: {dict(failed)}, attempts: {outcomes}")
        assert failed.total() <= number / 1000
        assert {"unavailable", "rate_limited", "malformed", "timeout", "cut", "unreachable"} <= outcomes.keys()

    words = ["--latency", "0.2", *WORDS]
    with (
        rehearsing(tmp_path / "a.jsonl", *words, "--down-between", "15", "75") as first,
        rehearsing(tmp_path / "b.jsonl", *words, "--seed", "1") as second,
    ):
        asyncio.run(run([first, second]))
