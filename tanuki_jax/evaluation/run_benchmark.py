"""The run of one benchmark: the chains of its items, many at once."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tanuki_jax.base.errors import CommandError
from tanuki_jax.evaluation.answering import Answering
from tanuki_jax.evaluation.benchmark import Ask, Benchmark, Chain, Item, Reply, Scores

MOST_TURNS = 20
"""Most turns of a chain: one that goes on is a fault of the benchmark."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exchange:
    """A request of an item with its reply."""

    ask: Ask
    reply: Reply


@dataclass(frozen=True)
class ScoredItem:
    """An item with its scores and all that was answered."""

    item: Item
    scores: Scores
    exchanges: tuple[Exchange, ...]

    @property
    def failed(self) -> int:
        """Return the number of requests that failed."""
        return sum(bool(each.reply.failure) for each in self.exchanges)

    @property
    def cut(self) -> int:
        """Return the number of the evaluated model's answers that reached their greatest length."""
        return sum(each.reply.cut for each in self.exchanges if each.ask.by == "model")


async def run_benchmark(
    benchmark: Benchmark, items: Sequence[Item], answering: Answering, advance: Callable[[], object]
) -> list[ScoredItem]:
    """Return the items with their scores, in order.

    Args:
        benchmark: benchmark.
        items: its items.
        answering: the models; as many items are worked on at once as all of them together may answer.
        advance: called after each item.

    Raises:
        CommandError: the models cannot be used at all.
    """
    results: dict[int, ScoredItem] = {}
    numbered = iter(enumerate(items))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(answering.at_once, len(items))):
                group.create_task(_work(benchmark, numbered, answering, results, advance))
    except ExceptionGroup as errors:  # all workers end for one reason, and a command shows one error
        raise errors.exceptions[0] from None
    return [results[number] for number in range(len(items))]


async def _work(
    benchmark: Benchmark,
    numbered: Iterator[tuple[int, Item]],
    answering: Answering,
    results: dict[int, ScoredItem],
    advance: Callable[[], object],
) -> None:
    """Score one item after the other."""
    for number, item in numbered:
        results[number] = await score_item(benchmark, item, answering)
        advance()
        await asyncio.sleep(0)  # answers from the journal never wait, and would keep other work from its turns


async def score_item(benchmark: Benchmark, item: Item, answering: Answering) -> ScoredItem:
    """Return an item with its scores.

    One odd answer must not end a run: an item on which the benchmark fails has no readable score, and says why.
    """
    exchanges: list[Exchange] = []
    try:
        scores = await _follow(benchmark, item, answering, exchanges)
    except (CommandError, OSError):
        raise
    except Exception as error:
        note = f"{type(error).__name__}: {error}"
        _log.warning("%s, item %s: the benchmark failed on its answers: %s", benchmark.name, item.id, note)
        scores = Scores({}, benchmark.metrics, note)
    return ScoredItem(item, _complete(benchmark, scores), tuple(exchanges))


async def _follow(benchmark: Benchmark, item: Item, answering: Answering, exchanges: list[Exchange]) -> Scores:
    """Send the requests of an item by turns, note them with their replies, and return the scores."""
    chain = benchmark.chain(item)
    turn = _advance(chain, None)
    for _ in range(MOST_TURNS):
        if isinstance(turn, Scores):
            return turn
        replies = await asyncio.gather(*map(answering.reply, turn))
        exchanges += [Exchange(ask, reply) for ask, reply in zip(turn, replies, strict=True)]
        turn = _advance(chain, replies)
    raise RuntimeError(f"the chain has not ended after {MOST_TURNS} turns")


def _advance(chain: Chain, replies: Sequence[Reply] | None) -> Sequence[Ask] | Scores:
    """Return the next requests of a chain, or its scores."""
    try:
        return next(chain) if replies is None else chain.send(replies)
    except StopIteration as end:
        scores: Scores = end.value
        return scores


def _complete(benchmark: Benchmark, scores: Scores) -> Scores:
    """Return scores in which every metric has a possible value or is unreadable."""
    values, notes = dict(scores.values), [scores.note] * bool(scores.note)
    for name in [name for name in benchmark.metrics if name in values]:
        low, high = benchmark.bounds.get(name, (0.0, 1.0))
        if not (math.isfinite(values[name]) and low <= values[name] <= high):
            notes.append(f"{name} is {values.pop(name):g}, and can be from {low:g} to {high:g} only")
    left = [name for name in benchmark.metrics if name not in values and name not in scores.unreadable]
    return Scores(values, (*scores.unreadable, *left), "; ".join(notes))
