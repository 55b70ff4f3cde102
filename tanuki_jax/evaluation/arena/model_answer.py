"""An answer that a model writes into its pane."""

import asyncio
import contextlib
import dataclasses
import logging
import time

from tanuki_jax.client.answers import Answer, Failure, Restart
from tanuki_jax.client.client import Client
from tanuki_jax.evaluation.arena.arena_settings import Contestant
from tanuki_jax.evaluation.arena.battle_store import BattleState
from tanuki_jax.evaluation.arena.paced_text import PacedText

FIRST_SECONDS = 30.0
"""Seconds within which the first text must come; a server that is away is asked for longer than a visitor waits."""
TRIES = 2
"""Times that a model is asked for one answer."""
_LEAST_MEASURED = 50
"""Characters of the shortest answer whose speed says something."""
_log = logging.getLogger(__name__)


@dataclasses.dataclass
class ModelAnswer:
    """An answer that is being written."""

    contestant: Contestant
    messages: list[dict[str, str]]
    """The conversation, which ends with the question."""
    pane: PacedText = dataclasses.field(default_factory=PacedText)
    failures: list[str] = dataclasses.field(default_factory=list)
    """Reasons of the tries that failed."""
    speed: float | None = None
    """Characters a second at which the model wrote; None: not known."""

    @property
    def shown(self) -> str:
        """Return the text that is shown so far."""
        return self.pane.text[: self.pane.shown]

    @property
    def lost(self) -> bool:
        """Whether the model has not answered at all."""
        return self.pane.ended and not self.pane.text

    async def write(self, client: Client) -> None:
        """Ask the model until it has answered, `TRIES` times at most.

        Of an answer that broke off, what is shown stays and is its end; what is not shown yet is void.
        """
        while len(self.failures) < TRIES:
            failure = await self._stream(client)
            if not failure:
                break
            self.failures.append(failure)
            self.pane.text = self.shown
            name, number = self.contestant.name, len(self.failures)
            _log.warning("%s failed to answer (try %d of %d): %s", name, number, TRIES, failure)
            if self.shown:
                break
        self.pane.end()

    async def _stream(self, client: Client) -> str:
        """Let the model write, and return the reason why it failed; empty: it did not."""
        fields = {"temperature": self.contestant.temperature, "max_tokens": self.contestant.max_tokens}
        began: float | None = None
        try:
            async with (
                asyncio.timeout(FIRST_SECONDS) as first,
                contextlib.aclosing(client.stream_chat(self.messages, **fields)) as pieces,
            ):
                async for piece in pieces:
                    match piece:
                        case str():
                            first.reschedule(None)
                            began = time.monotonic() if began is None else began
                            self.pane.add(piece)
                        case Restart():
                            self.pane.text = self.shown
                        case Failure():
                            return piece.message
                        case Answer() if not self.pane.text.strip():
                            return "the answer is empty"
        except TimeoutError:
            return f"no text came within {FIRST_SECONDS:g} s"
        if began is not None and len(self.pane.text) >= _LEAST_MEASURED:
            self.speed = len(self.pane.text) / max(time.monotonic() - began, 1e-3)
        return ""


def conversation(contestant: Contestant, state: BattleState, side: int) -> list[dict[str, str]]:
    """Return the conversation of one pane, 0 or 1, which ends with the question to answer."""
    messages = [{"role": "system", "content": contestant.system}] if contestant.system else []
    *before, last = state.turns
    for turn in before:
        messages.append({"role": "user", "content": turn.question})
        messages.append({"role": "assistant", "content": turn.texts[side]})
    return [*messages, {"role": "user", "content": last.question}]
