"""A chain of a recipe without a teacher: each request is answered by the worked example of its template."""

from collections.abc import Callable, Sequence

from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.prompts import Prompts
from tanuki_jax.corpus.synthesis.recipe import Ask, Item, Recipe, Reply


def rehearse(
    recipe: Recipe,
    item: Item,
    seed: int = 0,
    answers: Sequence[str] = (),
    *,
    answer: Callable[[Ask, str], Reply] | None = None,
) -> tuple[Made, list[list[dict[str, object]]]]:
    """Return what a recipe makes of an item, and the messages of each of its requests.

    Args:
        recipe: the recipe.
        item: input of the recipe.
        seed: seed of the run.
        answers: answers to the first requests, in place of the worked examples.
        answer: gives the reply to a request and to the text that would answer it; None: the text is the reply.
    """
    prompts, messages = Prompts(recipe.templates), list[list[dict[str, object]]]()
    chain = recipe.chain(item, item.random(seed))
    try:
        ask = next(chain)
        while True:
            number = len(messages)
            example = answers[number] if number < len(answers) else prompts.example(ask.template, ask.values)
            messages.append(prompts.messages(ask))
            ask = chain.send(Reply((example,) * ask.sampling.n) if answer is None else answer(ask, example))
    except StopIteration as stop:
        made: Made = stop.value
        return made, messages
