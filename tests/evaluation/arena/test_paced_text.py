"""Panes that show alike, whatever the speed of their models."""

import asyncio
import random

import pytest

from tanuki_jax.evaluation.arena.paced_text import KNOWN_ANSWERS, TICK_SECONDS, PacedText, common_rate, paced

type Shown = list[tuple[float, str, str]]


async def shown(left: tuple[int, float], right: tuple[int, float], rate: float, first_after: float = 0.2) -> Shown:
    """Return moment and pieces of two answers, each of so many characters, written at so many a second."""
    loop = asyncio.get_running_loop()
    panes = PacedText(), PacedText()

    async def write(pane: PacedText, length: int, speed: float) -> None:
        for number in range(length):
            await asyncio.sleep(1 / speed)
            pane.add(str(number % 10))
        pane.end()

    writers = [asyncio.create_task(write(pane, *how)) for pane, how in zip(panes, (left, right), strict=True)]
    begin = loop.time()
    found = [(loop.time() - begin, *pieces) async for pieces in paced(*panes, rate, first_after, clock=loop.time)]
    await asyncio.gather(*writers)
    for pane, (length, _) in zip(panes, (left, right), strict=True):
        assert pane.done and len(pane.text) == length
    return found


def texts(found: Shown) -> tuple[str, str]:
    return "".join(each[1] for each in found), "".join(each[2] for each in found)


def digits(count: int) -> str:
    return "".join(str(number % 10) for number in range(count))


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> asyncio.AbstractEventLoop:
    """Return a loop whose time goes on at once to the next thing that waits."""
    loop = asyncio.new_event_loop()
    time = 0.0
    select = loop._selector.select  # type: ignore[attr-defined]

    def jump(timeout: float | None) -> object:
        nonlocal time
        time += timeout or 0.0
        return select(0)

    monkeypatch.setattr(loop, "time", lambda: time)
    monkeypatch.setattr(loop._selector, "select", jump)  # type: ignore[attr-defined]
    return loop


@pytest.mark.parametrize(("fast", "slow"), [(1_000.0, 30.0), (40.0, 45.0)])
def test_both_panes_grow_alike_until_one_has_ended(
    instant: asyncio.AbstractEventLoop, fast: float, slow: float
) -> None:
    found = instant.run_until_complete(shown((50, fast), (90, slow), rate=20))
    assert texts(found) == (digits(50), digits(90))
    assert found[0][0] == pytest.approx(0.2, abs=TICK_SECONDS)
    for _, left, right in found:
        assert len(left) == len(right) or not left
    assert found[-1][0] == pytest.approx(90 / 20 + 0.2, abs=0.5)


def test_a_slow_model_holds_both_panes(instant: asyncio.AbstractEventLoop) -> None:
    found = instant.run_until_complete(shown((100, 1_000), (100, 5), rate=50))
    assert all(len(left) == len(right) for _, left, right in found)
    assert found[-1][0] == pytest.approx(20, abs=0.5)


def test_without_a_rate_both_are_shown_at_once_in_the_end(instant: asyncio.AbstractEventLoop) -> None:
    [(moment, *pieces)] = instant.run_until_complete(shown((30, 1_000), (60, 20), rate=0))
    assert moment == pytest.approx(3.0, abs=0.2) and pieces == [digits(30), digits(60)]


def test_an_empty_answer_holds_nothing(instant: asyncio.AbstractEventLoop) -> None:
    assert texts(instant.run_until_complete(shown((0, 1), (30, 100), rate=50))) == ("", digits(30))
    assert instant.run_until_complete(shown((0, 1), (0, 1), rate=50)) == []


def test_arrival_times_tell_nothing_of_the_model(instant: asyncio.AbstractEventLoop) -> None:
    """A fast and a slow model, at the rate that their speeds allow: the times depend on the lengths alone."""
    chance, rate = random.Random(0), common_rate({"fast": [900.0] * 20, "slow": [40.0] * 20}, ["fast", "slow"], 60)
    assert rate == pytest.approx(32)
    for _ in range(10):
        one, other = chance.randrange(20, 200), chance.randrange(20, 200)
        times = []
        for left, right in (((one, 900.0), (other, 40.0)), ((one, 40.0), (other, 900.0))):
            found = instant.run_until_complete(shown(left, right, rate, first_after=1.0))
            times.append([(round(moment, 3), len(pieces[0]), len(pieces[1])) for moment, *pieces in found])
        assert times[0] == times[1]


def test_the_rate_is_that_of_the_slowest_model_once_all_are_known() -> None:
    speeds = {"a": [100.0, *[200.0] * 9], "b": [50.0, *[80.0] * 9]}
    assert common_rate(speeds, ["a", "b"], 1_000) == pytest.approx(0.8 * 80)
    assert common_rate(speeds, ["a", "b"], 30) == 30
    assert common_rate({**speeds, "b": [80.0] * (KNOWN_ANSWERS - 1)}, ["a", "b"], 30) == 0
    assert common_rate(speeds, ["a", "b", "c"], 30) == 0
