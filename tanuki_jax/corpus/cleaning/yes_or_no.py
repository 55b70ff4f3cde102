"""Questions that a model answers by yes or no, and the probability of yes."""

import asyncio
import functools
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.answers import Answer, Failure
from tanuki_jax.config.endpoints import Endpoint
from tanuki_jax.corpus.cleaning.ask_model import ask_all

ALTERNATIVES = 10
"""Number of tokens whose log-probabilities are asked for."""
LEAST_MASS = 0.1
"""Least probability of yes and no together; with less, the model means to answer something else."""
_PLAIN = "Is water wet? Answer with one word, yes or no."
_TOKENS = 4  # a mark or a line break may stand before the word
_YES, _NO = ("yes", "はい"), ("no", "いいえ")
_WORD = re.compile(r"[\W_]*(yes|no|はい|いいえ)(?![a-z])")
_AROUND = re.compile(r"^[\W_ĠĊ]+|[\W_]+$")  # Ġ and Ċ are space and line break in vocabularies of bytes


type _Ask = Callable[[Sequence[Mapping[str, Any]], Callable[[int, Answer | Failure], None]], Awaitable[None]]
"""Function that sends requests to an endpoint, as `ask_all`."""


def probabilities_of_yes(
    endpoint: Endpoint, prompts: Sequence[str], *, answers: int, patience: float, unreachable_seconds: float
) -> list[float | ValueError]:
    """Return the probability that a model answers yes to each prompt, or the reason why there is none.

    It is that of the first word by its log-probabilities; from an endpoint that gives none, the share of yes among
    several answers.

    Args:
        endpoint: address and model, and how many requests it takes at a time.
        prompts: questions.
        answers: number of answers that are drawn where there are no log-probabilities.
        patience: seconds for which the endpoint may give no answer.
        unreachable_seconds: seconds after which it is an error that no server is at the address.

    Raises:
        CommandError: the endpoint cannot be used.
    """
    ask = functools.partial(ask_all, endpoint, patience=patience, unreachable_seconds=unreachable_seconds)
    return asyncio.run(_probabilities(ask, prompts, answers))


async def _probabilities(ask: _Ask, prompts: Sequence[str], count: int) -> list[float | ValueError]:
    fields = {"temperature": 0, "max_tokens": _TOKENS, "logprobs": True, "top_logprobs": ALTERNATIVES}
    found: list[float | ValueError] = []
    drawn: list[int] = []
    for position, answer in enumerate(await _answers(ask, [{"prompt": prompt, **fields} for prompt in prompts])):
        if isinstance(answer, Failure):
            found.append(ValueError(answer.message))
            continue
        probability = probability_of_yes(answer.raw)
        if probability is None:
            drawn.append(position)
        if probability is None or math.isnan(probability):
            found.append(ValueError(f"the answer is neither yes nor no: {answer.text!r:.80}"))
        else:
            found.append(probability)
    # Without log-probabilities, answers are drawn at the temperature 1.
    fields = {"temperature": 1, "max_tokens": _TOKENS}
    asks = [{"prompt": prompts[position], "seed": seed, **fields} for position in drawn for seed in range(count)]
    results = await _answers(ask, asks)
    for number, position in enumerate(drawn):
        of_this = results[number * count : (number + 1) * count]
        words = [says_yes(answer.text) for answer in of_this if isinstance(answer, Answer)]
        if known := [word for word in words if word is not None]:
            found[position] = sum(known) / len(known)
    return found


async def _answers(ask: _Ask, asks: Sequence[Mapping[str, Any]]) -> list[Answer | Failure]:
    """Return the results of requests, in which a failure is the prompt's. InputError for one that is the endpoint's.

    Those that failed are sent again beside a plain question. If that is answered, the endpoint works.
    """
    results: dict[int, Answer | Failure] = {}
    if asks:
        await ask(asks, results.__setitem__)
    failed = [position for position, result in results.items() if isinstance(result, Failure)]
    if failed:
        again: dict[int, Answer | Failure] = {}
        plain = {**asks[0], "prompt": _PLAIN}
        await ask([*(asks[position] for position in failed), plain], again.__setitem__)
        if isinstance(result := again[len(failed)], Failure):
            raise InputError(f"the endpoint gives no answers: {result.message}; start the command again to go on")
        results |= {position: again[number] for number, position in enumerate(failed)}
    return [results[position] for position in range(len(asks))]


def probability_of_yes(answer: Mapping[str, Any]) -> float | None:
    """Return the probability of yes among yes and no by the log-probabilities of an answer's first word.

    Args:
        answer: JSON of a chat completion with `logprobs`.

    Returns:
        None: the endpoint gives no log-probabilities. NaN: the first word is neither yes nor no.
    """
    tokens = _tokens(answer)
    if not tokens:
        return None
    for token in tokens:
        if not _bare(str(token.get("token", ""))):  # white space or a mark before the word
            continue
        yes = no = 0.0
        for piece, probability in _alternatives(token).items():
            yes += probability * _begins(piece, _YES)
            no += probability * _begins(piece, _NO)
        return yes / (yes + no) if yes + no >= LEAST_MASS else math.nan
    return math.nan


def says_yes(text: str) -> bool | None:
    """Whether an answer begins with yes, in English or Japanese; None: it begins with neither yes nor no."""
    found = _WORD.match(text.lower())
    return None if found is None else found[1] in _YES


def _tokens(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tokens of the first choice with their alternatives; none if the endpoint does not give them."""
    try:
        rows = answer["choices"][0]["logprobs"]["content"]
    except (KeyError, IndexError, TypeError):
        return []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _alternatives(token: Mapping[str, Any]) -> dict[str, float]:
    """Return the alternatives of a token, and the token itself, with their probabilities."""
    top = token.get("top_logprobs")
    found: dict[str, float] = {}
    for row in [token, *(top if isinstance(top, list) else [])]:
        if isinstance(row, dict) and isinstance(row.get("logprob"), int | float):
            found[str(row.get("token", ""))] = math.exp(min(row["logprob"], 0.0))
    return found


def _begins(piece: str, words: tuple[str, ...]) -> bool:
    """Whether a token is the beginning of one of the words."""
    bare = _bare(piece)
    return bool(bare) and any(word.startswith(bare) for word in words)


def _bare(piece: str) -> str:
    """Return a token in lower case without white space and marks around it."""
    return _AROUND.sub("", piece).lower()
