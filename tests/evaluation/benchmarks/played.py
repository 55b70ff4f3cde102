"""Chains of benchmarks without a server."""

from collections.abc import Callable

from tanuki_jax.evaluation.benchmark import Ask, Benchmark, Item, Reply, Scores


def play(benchmark: Benchmark, item: Item, answer: Callable[[Ask], Reply]) -> tuple[Scores, list[list[Ask]]]:
    """Return the scores of an item, and its requests by turns."""
    chain, turns = benchmark.chain(item), list[list[Ask]]()
    try:
        asks = next(chain)
        while True:
            turns.append([*asks])
            asks = chain.send([answer(ask) for ask in asks])
    except StopIteration as end:
        scores: Scores = end.value
        return scores, turns


def texts_of(ask: Ask) -> list[str]:
    """Return the texts of a request's messages."""
    return [message["content"] for message in ask.body["messages"]]
