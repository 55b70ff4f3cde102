"""The chain of one item with replies from anywhere, such as the worked examples of its templates."""

import dataclasses
from collections.abc import Callable
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.prompts import Prompts
from tanuki_jax.corpus.synthesis.recipe import Ask, Dropped, Item, Recipe, Reply

MOST_STEPS = 100
"""Most requests of an item's chain; one with more would never end."""


@dataclasses.dataclass(frozen=True)
class Exchange:
    """A request and its reply."""

    template: str
    messages: list[dict[str, object]]
    replies: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Rehearsed:
    """The chain of an item from its first request to its end."""

    key: str
    exchanges: tuple[Exchange, ...]
    made: Made | None
    """Record in the end; None: there is none."""
    dropped: str = ""
    """Reason why there is no record."""


def rehearse_item(
    recipe: Recipe, item: Item, seed: int, reply: Callable[[Ask, int], Reply | None] | None = None
) -> Rehearsed:
    """Return what an item's chain asks for, and what it makes of the replies.

    Args:
        recipe: the recipe.
        item: its input.
        seed: seed of the run.
        reply: returns the reply to a request and its number within the chain, None if there is none; None: replies are
            the worked examples of the templates.

    Raises:
        InputError: a template is missing or uses a value that it does not get, or the chain does not end.
    """
    prompts, chain = Prompts(recipe.templates), recipe.chain(item, item.random(seed))
    exchanges = list[Exchange]()
    made: Made | None = None
    reason = ""
    try:
        ask = next(chain)
        while len(exchanges) < MOST_STEPS:
            exchanges.append(Exchange(ask.template, prompts.messages(ask), ()))
            found = example_of(ask, prompts) if reply is None else reply(ask, len(exchanges) - 1)
            texts = () if found is None else found.texts
            exchanges[-1] = dataclasses.replace(exchanges[-1], replies=texts)
            if found is None:
                return Rehearsed(item.key, tuple(exchanges), None, "there is no answer")
            ask = chain.send(found)
        raise InputError(f"the chain of the recipe {type(recipe).__name__} has not ended after {MOST_STEPS} requests")
    except StopIteration as end:
        made = end.value
    except Dropped as dropped:
        reason = str(dropped)
    return Rehearsed(item.key, tuple(exchanges), made, reason)


def example_of(ask: Ask, prompts: Prompts) -> Reply:
    """Return the worked example of a request's template as its reply; further answers differ from it by a number.

    Log-probabilities, if they are asked for, are certain of its first character.
    """
    text = prompts.example(ask.template, ask.values)
    raw: dict[str, Any] = {}
    if ask.log_probabilities:
        token = {"token": text[:1], "logprob": 0.0, "top_logprobs": [{"token": text[:1], "logprob": 0.0}]}
        raw = {"choices": [{"logprobs": {"content": [token]}}]}
    return Reply((text, *(f"{text} ({number})" for number in range(2, ask.sampling.n + 1))), raw)
