"""Battles from the question to the vote: the models are drawn and asked, and their answers shown at one pace."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence

from tanuki_jax.client.client import Client
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.arena.arena_settings import Arena, Contestant, same_model
from tanuki_jax.evaluation.arena.battle_store import SIDES, BattleState, BattleStore, Refused, Visitor
from tanuki_jax.evaluation.arena.model_answer import TRIES, ModelAnswer, conversation
from tanuki_jax.evaluation.arena.name_leaks import named_models
from tanuki_jax.evaluation.arena.paced_text import common_rate, paced
from tanuki_jax.evaluation.arena.pairing import Standing, draw_pair

REDRAWS = 3
"""Times that other models are drawn for a first question that one did not answer."""
NOTE_SECONDS = 0.4
"""Seconds after which the text that is shown is written to the database again."""
_HOUR, _MINUTE = 3_600.0, 60.0
_LOST_AFTER = 60.0
"""Seconds beyond all deadlines after which an answer counts as lost with its process."""


class BattleService:
    """Battles of an arena; its clients are open in `running`.

    All that a visitor may see or do goes through the database, so that several processes may serve one arena.
    """

    def __init__(
        self,
        arena: Arena,
        store: BattleStore,
        *,
        standings: Callable[[], Mapping[str, Standing]] = dict,
        seed: int | None = None,
    ) -> None:
        """Take an arena and its battles.

        Args:
            arena: models and limits.
            store: battles.
            standings: returns the places on the board, for `Pairing.close`.
            seed: seed of the draws of models; None: another one each time.
        """
        self.arena, self.store, self._standings = arena, store, standings
        self._contestants = {each.name: each for each in arena.models}
        self._chance = random.Random(seed)
        self._clients: dict[str, Client] = {}
        self._tasks = set[asyncio.Task[None]]()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the clients during the block; answers that are being written at its end are noted as they are."""
        async with contextlib.AsyncExitStack() as stack:
            for each in self.arena.models:
                client = Client(each.remote.endpoints("model"), self.arena.requests)
                self._clients[each.name] = await stack.enter_async_context(client)
            try:
                yield
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def begin(self, visitor: Visitor, question: str, language: str) -> str:
        """Draw two models, ask them, and return the token of their battle. Refused if a limit is reached."""
        self._check_question(question)
        most, now = self.arena.limits.battles_an_hour, time.time()
        if await asyncio.to_thread(self.store.begun_since, visitor.address, now - _HOUR) >= most:
            raise Refused("hour", f"at most {most} battles an hour begin from one address")
        await self._check_pace(visitor)
        names = await self._drawn([*self._contestants.values()])

        def enter() -> tuple[str, int]:
            token = self.store.begin(names, visitor, now=now, round=self.arena.round, language=language)
            return token, self.store.ask(token, question, most_turns=1, now=now)

        token, turn = await asyncio.to_thread(enter)
        self._start(self._answer(token, turn, names))
        return token

    async def ask(self, visitor: Visitor, token: str, question: str) -> None:
        """Ask the models of a battle again. Refused if it is not allowed now."""
        self._check_question(question)
        await self._check_pace(visitor)
        most, now = self.arena.limits.turns, time.time()
        turn = await asyncio.to_thread(self.store.ask, token, question, most_turns=most, now=now)
        self._start(self._answer(token, turn, await asyncio.to_thread(self.store.models, token)))

    async def vote(self, token: str, winner: str) -> tuple[Contestant, Contestant]:
        """Cast the vote of a battle, and return its models. Refused if it is not allowed now."""
        return self.contestants(await asyncio.to_thread(self.store.vote, token, winner, now=time.time()))

    async def state(self, token: str) -> BattleState:
        """Return what the browser may know of a battle. Refused if it is not known."""
        return await asyncio.to_thread(self.store.state, token)

    def contestants(self, names: tuple[str, str]) -> tuple[Contestant, Contestant]:
        """Return models by their names; of one that the config has no longer, the name alone."""
        a, b = (self._contestants.get(name) or Contestant(name=name, remote=RemoteModel()) for name in names)
        return a, b

    async def end_lost(self) -> None:
        """End the answers whose process has ended without them."""
        now, longest = time.time(), REDRAWS * TRIES * self.arena.requests.deadline_seconds + _LOST_AFTER
        await asyncio.to_thread(self.store.end_interrupted, before=now - longest, now=now)

    def _check_question(self, question: str) -> None:
        if not question.strip():
            raise Refused("empty", "the message is empty")
        if len(question) > self.arena.limits.characters:
            raise Refused("long", f"a message has at most {self.arena.limits.characters:,} characters")

    async def _check_pace(self, visitor: Visitor) -> None:
        most = self.arena.limits.messages_a_minute
        if await asyncio.to_thread(self.store.asked_since, visitor.address, time.time() - _MINUTE) >= most:
            raise Refused("minute", f"at most {most} messages a minute come from one address; wait a little")

    async def _drawn(self, models: Sequence[Contestant]) -> tuple[str, str]:
        """Draw the models of a battle among some."""
        battles = dict.fromkeys(self._contestants, 0)
        for pair, count in (await asyncio.to_thread(self.store.counts)).items():
            for name in pair:
                battles[name] = battles.get(name, 0) + count.voted
        known = await asyncio.to_thread(self._standings) if self.arena.pairing.close else {}
        a, b = draw_pair(models, battles, known, self.arena.pairing, self._chance)
        return a.name, b.name

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, token: str, turn: int, names: tuple[str, str]) -> None:
        """Let both models answer, show the answers, and note them. If one does not answer the first question, the
        battle is drawn again among the others."""
        left = [*self._contestants.values()]
        for _ in range(REDRAWS):
            both = await self._both(token, turn, names)
            lost = [each.contestant for each in both if each.lost]
            left = [each for each in left if each not in lost]
            may_meet = any(not same_model(one, other) for one in left for other in left)
            if turn or not lost or not may_meet:
                break
            names = await self._drawn(left)
            reasons = {each.contestant.name: each.failures[-1] for each in both if each.lost}
            await asyncio.to_thread(self.store.redraw, token, names, reasons, now=time.time())
        question = (await self.state(token)).turns[turn].question
        await self._end(token, turn, both)
        if leaks := named_models(question, [each.shown for each in both], self.arena.models):
            await asyncio.to_thread(self.store.mark, token, [f"names {leak}" for leak in leaks])

    async def _both(self, token: str, turn: int, names: tuple[str, str]) -> list[ModelAnswer]:
        """Let two models answer, and show the answers, until they are shown or one is lost."""
        state = await self.state(token)
        both = [ModelAnswer(each, conversation(each, state, side)) for side, each in enumerate(self.contestants(names))]
        writers = [asyncio.create_task(each.write(self._clients[each.contestant.name])) for each in both]
        showing = asyncio.create_task(self._show(token, turn, both))
        waiting = {*writers, showing}
        try:
            while showing in waiting and not any(each.lost for each in both):
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        except asyncio.CancelledError:
            await self._end(token, turn, both, "the server ended")
            raise
        finally:
            for task in (*writers, showing):
                task.cancel()
            await asyncio.gather(*writers, showing, return_exceptions=True)
        return both

    async def _show(self, token: str, turn: int, both: Sequence[ModelAnswer]) -> None:
        """Show both answers as the pace allows, and note what is shown, from their first text on."""
        pace, noted = self.arena.pace, 0.0
        rate = None
        if pace.characters_a_second:
            speeds = await asyncio.to_thread(self.store.speeds, [*self._contestants])
            rate = common_rate(speeds, self._contestants, pace.characters_a_second)
        async for _ in paced(both[0].pane, both[1].pane, rate, pace.first_after):
            if time.monotonic() - noted >= NOTE_SECONDS:
                texts = {side: each.shown for side, each in zip(SIDES, both, strict=True)}
                await asyncio.to_thread(self.store.begin_answers, token, turn, texts, now=time.time())
                noted = time.monotonic()

    async def _end(self, token: str, turn: int, both: Sequence[ModelAnswer], failure: str = "") -> None:
        """Note both answers as they are shown; both at once, so that the order of their ends tells nothing."""
        ends = {
            side: (each.shown, each.speed, failure or (each.failures[-1] if each.lost else ""))
            for side, each in zip(SIDES, both, strict=True)
        }
        await asyncio.to_thread(self.store.end_answers, token, turn, ends, now=time.time())
