"""Requests a second from one process, with the mock teacher in another."""

import asyncio
import time
from pathlib import Path

import pytest

from tanuki_jax.client.answers import Answer
from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Endpoint
from tests.rehearsal import rehearsing

IN_FLIGHT, REQUESTS = 1000, 10_000


async def measured(url: str, rounds: int) -> list[float]:
    """Return answers a second of each round, with 1,000 requests in flight, after they have grown to as many."""
    async with Client([Endpoint(url=url, concurrency=IN_FLIGHT)]) as client:

        async def ask(number: int) -> bool:
            message = {"role": "user", "content": f"問{number}: 狸について説明してください。"}
            return isinstance(await client.chat([message], max_tokens=64), Answer)

        assert all(await asyncio.gather(*(ask(number) for number in range(4 * IN_FLIGHT))))
        rates = []
        for _ in range(rounds):
            start = time.perf_counter()
            assert all(await asyncio.gather(*(ask(number) for number in range(REQUESTS))))
            rates.append(REQUESTS / (time.perf_counter() - start))
        return rates


@pytest.mark.long
def test_a_process_gets_a_thousand_answers_a_second(tmp_path: Path) -> None:
    """The best of five rounds counts: others may use the machine. The latency of 0.2 s allows 5,000 a second."""
    with rehearsing(tmp_path / "log.jsonl", "--latency", "0.2") as teacher:
        rates = asyncio.run(measured(teacher.url, rounds=5))
    print(f"answers/s: {', '.join(f'{rate:,.0f}' for rate in rates)}")
    assert max(rates) >= 1000
