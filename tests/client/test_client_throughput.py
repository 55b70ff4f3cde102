"""Requests a second from one process, with the mock teacher in another."""

import asyncio
import time
from pathlib import Path

import pytest

from tanuki_jax.client.answers import Answer
from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Endpoint
from tests.rehearsal import rehearsing

IN_FLIGHT, REQUESTS = 1000, 20_000


async def measured(url: str) -> float:
    """Return answers a second, with 1,000 requests in flight, after they have grown to as many."""
    async with Client([Endpoint(url=url, concurrency=IN_FLIGHT)]) as client:

        async def ask(number: int) -> bool:
            message = {"role": "user", "content": f"問{number}: 狸について説明してください。"}
            return isinstance(await client.chat([message], max_tokens=64), Answer)

        assert all(await asyncio.gather(*(ask(number) for number in range(4 * IN_FLIGHT))))
        start = time.perf_counter()
        assert all(await asyncio.gather(*(ask(number) for number in range(REQUESTS))))
        return REQUESTS / (time.perf_counter() - start)


@pytest.mark.long
def test_a_process_gets_a_thousand_answers_a_second(tmp_path: Path) -> None:
    """With the latency of 0.2 s, 1,000 in flight could get 5,000 a second."""
    with rehearsing(tmp_path / "log.jsonl", "--latency", "0.2") as teacher:
        rate = asyncio.run(measured(teacher.url))
    print(f"{rate:,.0f} answers/s")
    assert rate >= 1000
