"""The choice of an endpoint: weight, free capacity, earlier failures, health."""

import asyncio
import random
from collections import Counter

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.client import outcomes
from tanuki_jax.client.endpoint_pool import EndpointPool, Ticket
from tanuki_jax.config.endpoints import Endpoint


def pool(*endpoints: Endpoint) -> EndpointPool:
    return EndpointPool(endpoints, random.Random(0))


A, B = (
    Endpoint(url="http://a", model="m", concurrency=4),
    Endpoint(url="http://b", model="m", concurrency=4, weight=3.0),
)


def test_requests_are_shared_by_weight() -> None:
    async def run() -> Counter[str]:
        endpoints, seen = pool(A, B), Counter[str]()
        for _ in range(2000):
            lease = await endpoints.acquire(Ticket())
            seen[lease.live.url] += 1
            endpoints.release(lease, outcomes.ANSWERED, "answers")
        return seen

    assert 1400 < asyncio.run(run())["http://b/v1"] < 1600


def test_no_endpoint_gets_more_than_its_concurrency_and_others_wait() -> None:
    async def run() -> None:
        endpoints = pool(A, B)
        leases = [await endpoints.acquire(Ticket()) for _ in range(8)]
        assert Counter(lease.live.url for lease in leases) == {"http://a/v1": 4, "http://b/v1": 4}
        order: list[int] = []

        async def wait(number: int) -> None:
            lease = await endpoints.acquire(Ticket())
            order.append(number)
            leases.append(lease)

        waiting = [asyncio.create_task(wait(number)) for number in range(5)]
        await asyncio.sleep(0.01)
        assert not order
        waiting[0].cancel()
        waiting[2].cancel()
        for _ in range(3):
            endpoints.release(leases.pop(0), outcomes.ANSWERED, "answers")
            await asyncio.sleep(0)
        await asyncio.gather(*waiting, return_exceptions=True)
        assert order == [1, 3, 4]

    asyncio.run(run())


def test_a_request_prefers_an_endpoint_where_it_failed_less_often() -> None:
    async def run() -> None:
        endpoints = pool(A, B)
        for live, other in (endpoints.live, endpoints.live[::-1]):
            ticket = Ticket()
            ticket.failures[live], ticket.failures[other] = 2, 1
            for _ in range(20):
                lease = await endpoints.acquire(ticket)
                assert lease.live is other
                endpoints.release(lease, outcomes.ANSWERED, "answers")

    asyncio.run(run())


def test_a_request_comes_back_to_an_endpoint_after_its_wait() -> None:
    async def run() -> None:
        endpoints, ticket = pool(A), Ticket()
        loop = asyncio.get_running_loop()
        ticket.not_before[endpoints.live[0]] = start = loop.time() + 0.1
        waits = asyncio.create_task(endpoints.acquire(ticket))
        await endpoints.acquire(Ticket())  # another one passes it
        assert not waits.done()
        await waits
        assert start - 0.002 <= loop.time() < start + 0.1

    asyncio.run(run())


def test_an_endpoint_that_fails_is_left_alone_but_for_a_probe(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        endpoints = EndpointPool([A], random.Random(0), first_probe=0.2)
        live = endpoints.live[0]
        for _ in range(6):
            endpoints.release(await endpoints.acquire(Ticket()), outcomes.RESET, "broke")
        assert "left alone" in live.describe()
        waiting = [asyncio.create_task(endpoints.acquire(Ticket())) for _ in range(3)]
        await asyncio.sleep(0.25)
        assert [task.done() for task in waiting] == [True, False, False]
        assert waiting[0].result().probe
        endpoints.release(waiting[0].result(), outcomes.ANSWERED, "answers")
        await asyncio.gather(*waiting)
        assert "http://a/v1 answers; 2 in flight of at most 4" in live.describe()

    asyncio.run(run())
    assert [record.message for record in caplog.records] == [
        "http://a/v1 broke; it is left alone for 0.2 s",
        "http://a/v1 answers again",
    ]


def test_cancelled_requests_give_their_places_back() -> None:
    async def run() -> None:
        endpoints = pool(A)
        held = [await endpoints.acquire(Ticket()) for _ in range(4)]
        for _ in range(50):
            waits = asyncio.create_task(endpoints.acquire(Ticket()))
            await asyncio.sleep(0)
            endpoints.abandon(held.pop())  # the waiting request gets the place, and is cancelled before it knows
            waits.cancel()
            await asyncio.gather(waits, return_exceptions=True)
            held.append(await asyncio.wait_for(endpoints.acquire(Ticket()), 1))
        assert endpoints.live[0].in_flight == 4

    asyncio.run(run())


@pytest.mark.parametrize(("value", "words"), [(None, "is not set"), (" ", "is not set"), ("a\nb", "holds no key")])
def test_a_key_that_cannot_be_sent_is_refused(value: str | None, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is None:
        monkeypatch.delenv("TEACHER_KEY", raising=False)
    else:
        monkeypatch.setenv("TEACHER_KEY", value)
    with pytest.raises(InputError, match=f"^TEACHER_KEY, the variable of the key for http://a, {words}"):
        pool(Endpoint(url="http://a", key_variable="TEACHER_KEY"))
