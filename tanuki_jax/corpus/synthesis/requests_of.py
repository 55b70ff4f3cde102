"""Requests for answers in the form of OpenAI's protocol."""

from collections.abc import Mapping, Sequence
from typing import Any

from tanuki_jax.corpus.synthesis.prompts import Prompts
from tanuki_jax.corpus.synthesis.recipe import Ask, Item, seed_of

BYTES_OF_A_TOKEN = 3
"""Bytes of UTF-8 for which an estimate counts a token: a character of Japanese, three quarters of an English word."""
ALTERNATIVES = 10
"""Number of tokens of which log-probabilities are asked for."""
_SEEDS = 1 << 31


def body_of(ask: Ask, prompts: Prompts, *, item: Item, step: int, seed: int, model: str) -> dict[str, Any]:
    """Return the JSON of a request for chat completions.

    Args:
        ask: template, values and settings.
        prompts: the templates.
        item: the item for which it is asked: its key determines the teacher's seed.
        step: number of the request within the item's chain, from 0.
        seed: seed of the run.
        model: name of the model.
    """
    sampling = ask.sampling
    body: dict[str, Any] = {
        "model": model,
        "messages": prompts.messages(ask),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": seed_of("request", seed, item.key, step) % _SEEDS,
    }
    if sampling.n > 1:
        body["n"] = sampling.n
    if ask.schema is not None:
        body["response_format"] = _json_schema(ask.template, ask.schema)
    if ask.log_probabilities:
        body |= {"logprobs": True, "top_logprobs": ALTERNATIVES}
    return body


def estimated_tokens(body: Mapping[str, Any], texts: Sequence[str]) -> tuple[int, int]:
    """Return about how many tokens a request and its answers have, where the server does not say."""
    return sum(about_tokens(str(message["content"])) for message in body["messages"]), sum(map(about_tokens, texts))


def about_tokens(text: str) -> int:
    """Return about how many tokens a text has."""
    return -(-len(text.encode(errors="replace")) // BYTES_OF_A_TOKEN)


def _json_schema(template: str, schema: Mapping[str, object]) -> dict[str, Any]:
    name = "".join(char if char.isalnum() else "_" for char in template.partition(".")[0])
    return {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema), "strict": True}}
