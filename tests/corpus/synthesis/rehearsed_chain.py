"""A chain of a recipe, driven by the worked examples of its own templates."""

from collections.abc import Callable

from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.prompts import Prompts
from tanuki_jax.corpus.synthesis.recipe import Ask, Item, Recipe, Reply


def rehearse(
    recipe: Recipe, item: Item, seed: int = 0, answer: Callable[[Ask, str], Reply] | None = None
) -> tuple[Made, list[list[dict[str, object]]]]:
    """Return what a chain makes, and the messages of each of its requests.

    Args:
        recipe: the recipe.
        item: its input.
        seed: seed of the run.
        answer: gives the reply to a request and the example of its template; None: the example is the reply.
    """
    prompts, rendered = Prompts(recipe.templates), list[list[dict[str, object]]]()
    chain = recipe.chain(item, item.random(seed))
    ask = next(chain)
    while True:
        rendered.append(prompts.messages(ask))
        example = prompts.example(ask.template, ask.values)
        reply = Reply((example,) * ask.sampling.n) if answer is None else answer(ask, example)
        try:
            ask = chain.send(reply)
        except StopIteration as stop:
            made: Made = stop.value
            return made, rendered
