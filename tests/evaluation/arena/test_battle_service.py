"""Battles with scripted models: conversations, failures, limits, and names that leak."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tanuki_jax.evaluation.arena import model_answer
from tanuki_jax.evaluation.arena.arena_settings import Arena, Pace, VisitorLimits
from tanuki_jax.evaluation.arena.battle_service import BattleService
from tanuki_jax.evaluation.arena.battle_store import BattleState, Refused
from tests.evaluation.arena.arenas import HIM, Reply, arena_of, ended, running, speaking


@contextlib.contextmanager
def served(**replies: Reply) -> Iterator[dict[str, str]]:
    """Yield name of a model -> address."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(speaking(reply)) for name, reply in replies.items()}


def battle(arena: Arena, folder: Path, *questions: str) -> tuple[BattleState, BattleService, str]:
    """Ask questions in one battle, and return its state, the service, and its token."""

    async def ask() -> tuple[BattleState, BattleService, str]:
        async with running(arena, folder) as service:
            token = await service.begin(HIM, questions[0], "ja")
            state = await ended(service, token)
            for question in questions[1:]:
                await service.ask(HIM, token, question)
                state = await ended(service, token)
            await asyncio.sleep(0.05)
            return state, service, token

    return asyncio.run(ask())


def test_each_model_hears_its_own_conversation(tmp_path: Path) -> None:
    heard: dict[str, list[list[str]]] = {"x": [], "y": []}

    def replying(name: str) -> Reply:
        def reply(messages: list[dict[str, str]]) -> str:
            heard[name].append([each["content"] for each in messages])
            return f"{name} says {len(messages)}"

        return reply

    with served(x=replying("x"), y=replying("y")) as urls:
        state, service, token = battle(arena_of(urls), tmp_path, "一", "二")
    a, b = service.store.models(token)
    assert [turn.texts for turn in state.turns] == [(f"{a} says 1", f"{b} says 1"), (f"{a} says 3", f"{b} says 3")]
    assert heard == {name: [["一"], ["一", f"{name} says 1", "二"]] for name in ("x", "y")}
    assert state.may_vote and state.models is None


def test_an_answer_that_fails_once_is_asked_for_again(tmp_path: Path) -> None:
    answers = iter([None, "二度目です"])
    with served(x=lambda messages: next(answers), y=lambda messages: "はい") as urls:
        state, service, _ = battle(arena_of(urls), tmp_path, "一")
    assert sorted(state.turns[0].texts) == ["はい", "二度目です"] and not state.turns[0].failed
    assert service.store.failed() == {}


def test_a_model_that_does_not_answer_is_replaced_and_counted(tmp_path: Path) -> None:
    with served(bad=lambda messages: None, x=lambda messages: "x", y=lambda messages: "y") as urls:
        models = set[str]()
        for number in range(6):
            (tmp_path / str(number)).mkdir()
            state, service, token = battle(arena_of(urls), tmp_path / str(number), "一")
            assert sorted(state.turns[0].texts) == ["x", "y"] and state.may_vote
            assert sorted(service.store.models(token)) == ["x", "y"]
            models |= {*service.store.failed()}
    assert models <= {"bad"}


def test_a_model_that_says_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_answer, "FIRST_SECONDS", 0.3)

    def silent(messages: list[dict[str, str]]) -> str:
        time.sleep(3)
        return "zu spät"

    with served(silent=silent, x=lambda messages: "x", y=lambda messages: "y") as urls:
        for number in range(3):
            (tmp_path / str(number)).mkdir()
            state, _, _ = battle(arena_of(urls), tmp_path / str(number), "一")
            assert sorted(state.turns[0].texts) == ["x", "y"]


def test_without_another_pair_a_failure_is_said(tmp_path: Path) -> None:
    with served(bad=lambda messages: None, x=lambda messages: "x") as urls:
        state, _, _ = battle(arena_of(urls), tmp_path, "一")
    assert state.turns[0].failed and state.turns[0].ended and not state.may_vote


def test_a_model_that_fails_later_leaves_the_vote(tmp_path: Path) -> None:
    with served(x=lambda messages: "x" if len(messages) == 1 else None, y=lambda messages: "y") as urls:
        state, service, token = battle(arena_of(urls), tmp_path, "一", "二")
    assert state.turns[1].failed and state.may_vote and sorted(service.store.models(token)) == ["x", "y"]


def test_a_name_in_an_answer_keeps_the_battle_off_the_board(tmp_path: Path) -> None:
    with served(tanuki=lambda messages: "私はTANUKIです。", y=lambda messages: "y") as urls:
        _, service, token = battle(arena_of(urls), tmp_path, "一")
    service.store.vote(token, "tie", now=time.time())
    assert [*service.store.rated()] == [] and len([*service.store.rated(marked=True)]) == 1


@pytest.mark.parametrize(
    ("limits", "questions", "reason"),
    [
        (VisitorLimits(characters=3), ["四文字だ"], "long"),
        (VisitorLimits(), [" \n"], "empty"),
        (VisitorLimits(messages_a_minute=1), ["一", "二"], "minute"),
        (VisitorLimits(turns=1), ["一", "二"], "turns"),
    ],
)
def test_limits_are_kept(tmp_path: Path, limits: VisitorLimits, questions: list[str], reason: str) -> None:
    with served(x=lambda messages: "x", y=lambda messages: "y") as urls, pytest.raises(Refused) as caught:
        battle(arena_of(urls, limits=limits), tmp_path, *questions)
    assert caught.value.reason == reason


def test_battles_an_hour_are_limited(tmp_path: Path) -> None:
    async def ask(arena: Arena) -> None:
        async with running(arena, tmp_path) as service:
            for _ in range(3):
                await ended(service, await service.begin(HIM, "一", "ja"))

    with served(x=lambda messages: "x", y=lambda messages: "y") as urls, pytest.raises(Refused) as caught:
        asyncio.run(ask(arena_of(urls, limits=VisitorLimits(battles_an_hour=2))))
    assert caught.value.reason == "hour"


def test_a_service_that_ends_notes_what_was_shown(tmp_path: Path) -> None:
    async def stop(arena: Arena) -> BattleState:
        async with running(arena, tmp_path) as service:
            token = await service.begin(HIM, "一", "ja")
            await asyncio.sleep(0.5)
        return await service.state(token)

    with served(x=lambda messages: "あ" * 500, y=lambda messages: "い" * 500) as urls:
        state = asyncio.run(stop(arena_of(urls, pace=Pace(characters_a_second=50.0))))
    assert state.turns[0].ended and state.turns[0].failed


def test_the_pace_is_learned_from_the_answers(tmp_path: Path) -> None:
    """The first answers come at once when both are complete; later ones at the pace."""
    moments = list[float]()

    async def ask(arena: Arena) -> None:
        async with running(arena, tmp_path) as service:
            for _ in range(6):
                begin = time.monotonic()
                await ended(service, await service.begin(HIM, "一", "ja"))
                moments.append(time.monotonic() - begin)

    pace = Pace(characters_a_second=60.0, first_after=0.0)
    with served(x=lambda messages: "あ" * 90, y=lambda messages: "い" * 90) as urls:
        asyncio.run(ask(arena_of(urls, pace=pace)))
    assert max(moments[:5]) < 1.2 < moments[5]
