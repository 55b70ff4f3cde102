"""Too many failures stop a run; so does no progress, after lines in the log."""

import asyncio
import time
from pathlib import Path

import pytest
from aiohttp import web

from tanuki_jax.base.errors import BAD_INPUT, STUCK
from tanuki_jax.client.answers import Answer, Failure
from tanuki_jax.client.run_guard import Stalled, TooManyFailures, Unreachable
from tests.client.canned import canned, impatient, serving, unused_port
from tests.rehearsal import teaching

ASK = [{"role": "user", "content": "a"}]
GOOD = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}


def refuse() -> web.Response:
    return web.json_response({"error": {"message": "too long"}}, status=400)


def test_the_share_of_failures_is_counted_over_finished_requests() -> None:
    """Nine answers, then failures: the share exceeds 0.5 at the tenth failure, and 20 were needed to judge."""

    async def run() -> None:
        responses = [lambda: web.json_response(GOOD)] * 9 + [refuse]
        async with serving(canned(*responses)) as url:
            client = impatient(url, failure_share=0.5, failure_least=15)
            results: list[Answer | Failure] = []
            with pytest.raises(TooManyFailures) as raised:
                async with client:
                    for _ in range(100):
                        results.append(await client.chat(ASK))
            assert len(results) == 19
            assert raised.value.code == BAD_INPUT
            assert str(raised.value) == (
                "10 of 19 finished requests failed, which is more than the share 0.5 (failure_share): "
                f"10 x bad_request: {url}/v1 answered 400: too long"
            )

    asyncio.run(run())


def test_no_share_is_judged_before_enough_requests_have_finished() -> None:
    async def run() -> None:
        async with serving(canned(refuse)) as url, impatient(url, failure_share=0.0, failure_least=10) as client:
            for _ in range(9):
                assert isinstance(await client.chat(ASK), Failure)

    asyncio.run(run())


def test_requests_under_way_end_when_the_run_is_stopped() -> None:
    seen: list[str] = []

    async def refuse_the_first(request: web.Request) -> web.Response:
        seen.append(request.path)
        if len(seen) > 1:
            await asyncio.Event().wait()
        await asyncio.sleep(0.1)
        return refuse()

    async def run() -> None:
        async with serving(refuse_the_first) as url:
            start = time.monotonic()
            client = impatient(url, failure_share=0.0, failure_least=1, attempt_seconds=10)
            with pytest.raises(TooManyFailures):
                async with client:
                    # 64 are sent, of which 63 are never answered; the others wait in front.
                    results = await asyncio.gather(*(client.chat(ASK) for _ in range(200)), return_exceptions=True)
                    assert [type(result) for result in results].count(Failure) == 1
                    assert [type(result) for result in results].count(TooManyFailures) == 199
            assert time.monotonic() - start < 5

    asyncio.run(run())


def test_the_end_of_the_run_raises_too_even_if_no_request_is_left() -> None:
    async def run() -> None:
        async with serving(canned(refuse)) as url:
            with pytest.raises(TooManyFailures):
                async with impatient(url, failure_share=0.0, failure_least=1) as client:
                    assert isinstance(await client.chat(ASK), Failure)

    asyncio.run(run())


def test_a_run_without_progress_says_so_and_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with teaching(tmp_path / "log.jsonl", rate_limited=1.0, retry_after=0) as teacher:
            client = impatient(teacher.url, attempt_seconds=0.5, stalled_seconds=0.6, log_every=0.18)
            client._pool.live[0].model = "rehearsal"
            with pytest.raises(Stalled) as raised:
                async with client:
                    await asyncio.gather(*(client.chat(ASK) for _ in range(100)))
            assert raised.value.code == STUCK
            assert str(raised.value).startswith("no request has finished for 1 s, and 64 have begun: http://127.0.0.1:")
            assert "answered 429: too many requests, on purpose" in str(raised.value)

    asyncio.run(run())
    lines = [record.message for record in caplog.records]
    assert len(lines) in (2, 3)
    assert all("answered 429: too many requests" in line for line in lines)


def test_a_client_without_requests_does_not_stall() -> None:
    async def run() -> None:
        async with serving(canned(lambda: web.json_response(GOOD))) as url:
            client = impatient(url, attempt_seconds=0.1, stalled_seconds=0.1, log_every=0.1)
            async with client:
                await client.chat(ASK)
                await asyncio.sleep(0.25)
                assert isinstance(await client.chat(ASK), Answer)

    asyncio.run(run())


def test_an_address_without_a_server_ends_the_run() -> None:
    async def run() -> None:
        url = f"http://127.0.0.1:{unused_port()}"
        with pytest.raises(Unreachable) as raised:
            async with impatient(url, unreachable_seconds=0.2) as client:
                await asyncio.gather(*(client.chat(ASK) for _ in range(100)))
        assert raised.value.code == BAD_INPUT
        assert str(raised.value).startswith(f"{url}/v1 could not be connected to (")
        assert str(raised.value).endswith("): start the server, or correct the address")

    asyncio.run(run())


def test_a_server_that_is_slow_or_busy_is_waited_for() -> None:
    answered: list[str] = []

    async def slow(request: web.Request) -> web.Response:
        answered.append(request.path)
        await asyncio.sleep(0.3)
        busy = web.json_response({"error": {"message": "busy"}}, status=429)
        return busy if len(answered) < 3 else web.json_response(GOOD)

    async def run() -> None:
        async with serving(slow) as url, impatient(url, unreachable_seconds=0.1) as client:
            assert isinstance(await client.chat(ASK), Answer)

    asyncio.run(run())


def test_a_server_that_answered_once_is_waited_for() -> None:
    async def run() -> None:
        async with serving(canned(lambda: web.json_response(GOOD))) as url:
            client = impatient(url, unreachable_seconds=0.1, attempt_seconds=0.5, deadline_seconds=0.5)
            await client.__aenter__()
            assert isinstance(await client.chat(ASK), Answer)
        assert isinstance(await client.chat(ASK), Failure)
        await client.__aexit__(None, None, None)

    asyncio.run(run())
