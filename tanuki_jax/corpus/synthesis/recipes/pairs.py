"""Preference pairs: answers of one model to one prompt, of which a judge finds one better in both orders."""

import re
import unicodedata
from collections.abc import Generator
from dataclasses import dataclass, replace
from random import Random
from typing import Annotated, ClassVar, Literal

from tanuki_jax.config.limits import Limits
from tanuki_jax.corpus.records.types import Conversation, Message, Preference, Record
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.quoting import without_special_tokens
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Language, Recipe, Reply, Sampling
from tanuki_jax.corpus.synthesis.replies import parse_verbatim

SAMPLES = Sampling(temperature=0.7, max_tokens=1_024)
"""Settings for the answers that are compared."""
VERDICTS = Sampling(temperature=0, max_tokens=1_024)
"""Settings for the judge."""
_VERDICT = re.compile(r"\[\[(A|B|C|[Tt]ie|TIE)\]\]")

type Verdict = Literal["A", "B", "tie"]


@dataclass(frozen=True, kw_only=True)
class Pairs(Recipe):
    """A better and a worse answer to the last question of a conversation.

    The teacher answers several times; its answers meet one after another, and the winner stays. The judge compares two
    in both orders, and only if it prefers the same one both times has that one won. The pair is the last winner and the
    answer that it beat last. The answer of the conversation itself is not used.
    """

    reads: ClassVar[Literal["conversations"]] = "conversations"

    language: Language = "ja"
    """Language of the conversations."""
    count: Annotated[int, Limits(at_least=2, at_most=16)] = 2
    """Number of answers that are drawn and compared."""
    samples: Sampling = SAMPLES
    """Settings for the answers; `n` is replaced by `count`."""
    verdicts: Sampling = VERDICTS
    """Settings for the judge."""

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests for one pair."""
        prompt = prompt_of(item.record)
        shown = tuple(Message(turn.role, without_special_tokens(turn.content)) for turn in prompt)
        reply = yield Ask(
            template=f"pairs/answer.{self.language}.jinja",
            values={"question": shown[-1].content},
            sampling=replace(self.samples, n=self.count),
            before=shown[:-1],
        )
        answers = sorted({parse_verbatim(text) for text in reply.texts})
        if len(answers) < 2:
            raise Dropped("the answers are alike")
        random.shuffle(answers)
        best, beaten, reason = answers[0], "", ""
        for other in answers[1:]:
            first, second = yield from self._verdicts(shown, best, other)
            won, fault = decide(first, second)
            reason = fault or reason
            if won is not None:
                best, beaten = (best, other) if won == "first" else (other, best)
        if not beaten:
            raise Dropped(reason)
        return self._made(item, prompt, best, beaten)

    def _verdicts(
        self, prompt: tuple[Message, ...], one: str, other: str
    ) -> Generator[Ask, Reply, tuple[Verdict | None, Verdict | None]]:
        """Return the verdicts on two answers in both orders."""
        found = []
        turns = tuple((turn.role, turn.content) for turn in prompt[:-1])
        for first, second in ((one, other), (other, one)):
            values = {"turns": turns, "question": prompt[-1].content, "first": first, "second": second}
            reply = yield Ask(f"pairs/verdict.{self.language}.jinja", values, self.verdicts, by="judge")
            found.append(parse_verdict(reply.text))
        return found[0], found[1]

    def _made(self, item: Item, prompt: tuple[Message, ...], chosen: str, rejected: str) -> Made:
        assert item.record is not None
        metadata = {
            "recipe": "pairs",
            "style": "pairs",
            "language": self.language,
            "answers": self.count,
            "parents": [item.record.id],
        }
        record = Preference(item.key, prompt, chosen, rejected, metadata)
        return Made(record=record, written=chosen, style="pairs")


def prompt_of(record: Record | None) -> tuple[Message, ...]:
    """Return the turns of a conversation up to the user's last one.

    Raises:
        Dropped: the user says nothing in it, or it uses tools.
    """
    assert isinstance(record, Conversation)
    if record.tools or any(turn.calls_tools or turn.role == "tool" for turn in record.messages):
        raise Dropped("the conversation uses tools")
    last = max((number for number, turn in enumerate(record.messages) if turn.role == "user"), default=-1)
    if last < 0 or not record.messages[last].content.strip():
        raise Dropped("the conversation has no question")
    return record.messages[: last + 1]


def parse_verdict(text: str) -> Verdict | None:
    """Return the last verdict of a text, [[A]], [[B]] or [[C]] (or [[tie]]), in any width; None: it has none."""
    found = _VERDICT.findall(unicodedata.normalize("NFKC", text))
    if not found:
        return None
    return found[-1] if found[-1] in ("A", "B") else "tie"


def decide(first: Verdict | None, second: Verdict | None) -> tuple[Literal["first", "second"] | None, str]:
    """Return which of two answers has won, and otherwise the reason why none has.

    Args:
        first: verdict with the first answer as A.
        second: verdict with the first answer as B.
    """
    if first is None or second is None:
        return None, "no verdict can be read" if first is second else "one of two verdicts cannot be read"
    if first == second:
        return None, "the answers are tied" if first == "tie" else "the verdicts contradict each other"
    if "tie" in (first, second):
        return None, "one of two verdicts is a tie"
    return ("first" if first == "A" else "second"), ""
