"""A running mock endpoint, as a plain HTTP client sees it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.client.rehearsal.mock_teacher import MockTeacher
from tests.rehearsal import Teacher, teaching

ASK = {"model": "rehearsal", "messages": [{"role": "user", "content": "狸の話をしてください。"}]}
FORM = {"type": "json_schema", "json_schema": {"schema": {"enum": {"a": 1}}}}
type Use = Callable[[Teacher, aiohttp.ClientSession], Awaitable[None]]


def use(folder: Path, using: Use, **behaviour: Any) -> list[dict[str, Any]]:
    """Run a mock endpoint and use it. Return its log."""

    async def run() -> list[dict[str, Any]]:
        async with teaching(folder / "log.jsonl", **behaviour) as teacher, aiohttp.ClientSession() as session:
            await using(teacher, session)
            return teacher.log_lines()

    return asyncio.run(run())


def test_models_and_health_are_listed(tmp_path: Path) -> None:
    async def using(teacher: Teacher, session: aiohttp.ClientSession) -> None:
        async with session.get(f"{teacher.url}/models") as response:
            assert [row["id"] for row in (await response.json())["data"]] == ["a", "b"]
        async with session.get(teacher.url.replace("/v1", "/health")) as response:
            assert await response.json() == {"status": "ok"}

    assert use(tmp_path, using, models=("a", "b")) == []


def test_bad_requests_are_errors_in_the_form_of_openai(tmp_path: Path) -> None:
    async def using(teacher: Teacher, session: aiohttp.ClientSession) -> None:
        url = f"{teacher.url}/chat/completions"
        for data, status in ((b"{", 400), (b"[]", 400), (b"[" * 50_000, 400), (b'{"model": "x"}', 404)):
            async with session.post(url, data=data) as response:
                assert response.status == status
                assert (await response.json())["error"]["message"]
        for change in ({"max_tokens": 0}, {"response_format": FORM}):
            async with session.post(url, json={**ASK, **change}) as response:
                assert response.status == 400

    log = use(tmp_path, using, unavailable=1.0)
    assert [line["answer"] for line in log] == ["refused"] * 6


def test_a_key_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def using(teacher: Teacher, session: aiohttp.ClientSession) -> None:
        for key, status in (("secret", 200), ("wrong", 401)):
            headers = {"Authorization": f"Bearer {key}"}
            async with session.post(f"{teacher.url}/chat/completions", json=ASK, headers=headers) as response:
                assert response.status == status

    monkeypatch.setenv("REHEARSAL_KEY", "secret")
    use(tmp_path, using, key_variable="REHEARSAL_KEY")
    monkeypatch.delenv("REHEARSAL_KEY")
    with pytest.raises(InputError, match=r"^REHEARSAL_KEY, the variable of the key, is not set$"):
        MockTeacher(Behaviour(key_variable="REHEARSAL_KEY"))


def test_retry_after_comes_as_seconds_and_as_a_date(tmp_path: Path) -> None:
    seen = []

    async def using(teacher: Teacher, session: aiohttp.ClientSession) -> None:
        for number in range(20):
            async with session.post(f"{teacher.url}/chat/completions", json={**ASK, "user": str(number)}) as response:
                assert response.status == 429
                seen.append(response.headers["Retry-After"])

    log = use(tmp_path, using, rate_limited=1.0, retry_after=6.5)
    dates = [value for value in seen if value != "7"]
    assert 0 < len(dates) < 20
    assert all(3 < parsedate_to_datetime(date).timestamp() - time.time() < 8 for date in dates)
    assert [(line["id"], line["answer"]) for line in log] == [(str(n), "rate_limited") for n in range(20)]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        ("broken_json", ()),
        ("cut", aiohttp.ClientPayloadError),
        ("reset", (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)),
        ("stalled", TimeoutError),
    ],
)
def test_faults_look_like_themselves(tmp_path: Path, fault: str, errors: Any, stream: bool) -> None:
    async def send(number: int, url: str, session: aiohttp.ClientSession) -> str:
        body = {**ASK, "stream": stream, "user": str(number)}
        timeout = aiohttp.ClientTimeout(total=0.2 if fault == "stalled" else 5)
        try:
            async with session.post(f"{url}/chat/completions", json=body, timeout=timeout) as response:
                text = await response.text(errors="replace")
                assert response.status == 200
                assert "[DONE]" not in text and not text.endswith("}")
                return "end"
        except errors:
            return "error"

    async def using(teacher: Teacher, session: aiohttp.ClientSession) -> None:
        ends = await asyncio.gather(*(send(number, teacher.url, session) for number in range(12)))
        both = fault == "cut" and stream
        assert set(ends) == ({"end", "error"} if both else {"end"} if fault == "broken_json" else {"error"})

    log = use(tmp_path, using, **{fault: 1.0})
    assert {line["answer"] for line in log} == {fault}


def test_a_stalled_request_ends_when_its_client_leaves(tmp_path: Path) -> None:
    async def using(teacher: Teacher, session: aiohttp.ClientSession) -> None:
        before = len(asyncio.all_tasks())
        asking = [asyncio.create_task(send(teacher.url, session)) for _ in range(5)]
        await asyncio.sleep(0.1)
        assert len(asyncio.all_tasks()) > before + 5
        for task in asking:
            task.cancel()
        await asyncio.sleep(0.1)
        assert len(asyncio.all_tasks()) == before

    async def send(url: str, session: aiohttp.ClientSession) -> None:
        async with session.post(f"{url}/chat/completions", json=ASK):
            pass

    use(tmp_path, using, stalled=1.0)


def test_a_period_without_connections_begins_and_ends(tmp_path: Path) -> None:
    async def using(teacher: Teacher, session: aiohttp.ClientSession) -> None:
        start, states = time.monotonic(), []
        while time.monotonic() - start < 0.6:
            try:
                async with session.post(f"{teacher.url}/chat/completions", json=ASK) as response:
                    state = response.status == 200
            except aiohttp.ClientConnectionError:
                state = False
            states.append((round(time.monotonic() - start, 2), state))
            await asyncio.sleep(0.02)
        down = [moment for moment, state in states if not state]
        assert 0.1 <= down[0] < 0.3
        assert 0.2 < down[-1] < 0.5
        assert all(not state for moment, state in states if down[0] <= moment <= down[-1])
        assert states[-1][1]

    use(tmp_path, using, down_between=(0.15, 0.35))


def test_latency_and_speed_are_as_set(tmp_path: Path) -> None:
    async def using(teacher: Teacher, session: aiohttp.ClientSession) -> None:
        start = time.monotonic()
        async with session.post(f"{teacher.url}/chat/completions", json={**ASK, "max_tokens": 20}) as response:
            await response.json()
        assert 0.1 <= time.monotonic() - start < 1
        body, start = {**ASK, "max_tokens": 20, "stream": True}, time.monotonic()
        async with session.post(f"{teacher.url}/chat/completions", json=body) as response:
            events = (await response.text()).split("\n\n")
        assert len(events) == 1 + 20 + 1 + 1 + 1  # role, tokens, reason, [DONE], nothing
        assert 0.1 + 23 / 200 <= time.monotonic() - start < 1

    use(tmp_path, using, latency=0.1, tokens_per_second=200)


def test_a_busy_port_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    async def run() -> None:
        async with MockTeacher(Behaviour()) as teacher:
            with pytest.raises(
                InputError, match=rf"^127\.0\.0\.1:{teacher.port} cannot be listened on: .*another port$"
            ):
                await MockTeacher(Behaviour(), port=teacher.port).__aenter__()

    asyncio.run(run())
