"""Log-probabilities of given texts, read from the answers of `/v1/completions` with `echo`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tanuki_jax.evaluation.benchmark import Ask, Reply

_ROUNDING = 0.01
"""Nats above 0 that are an error of rounding."""


@dataclass(frozen=True, slots=True)
class TextProbability:
    """Log-probability that a model gives a text."""

    nats: float
    """Natural logarithm of the probability; at most 0."""
    greedy: bool
    """Whether each of its tokens is the likeliest one, so that the model would write it at temperature 0."""
    tokens: int
    """Number of tokens that have a probability; the first token of a text may have none."""
    begin: int
    """Number of the character at which the first token with a probability begins."""


def ask_probability(text: str) -> Ask:
    """Return a request for the log-probabilities of a text's tokens.

    One token is generated beside them, because some servers refuse to generate none.
    """
    return Ask({"prompt": text, "max_tokens": 1, "temperature": 0.0, "echo": True, "logprobs": 1}, path="completions")


def read_probability(reply: Reply, text: str, begin: int = 0) -> TextProbability | None:
    """Return the probability of the end of a text, given its beginning; None: the reply has none of the whole text.

    A token that crosses the boundary counts, as its continuation does in lm-eval where the tokenizer joins both.

    Args:
        reply: reply to `ask_probability(text)`.
        text: the text.
        begin: number of the character at which the end begins.
    """
    found = reply.logprobs
    if not isinstance(found, Mapping):
        return None
    try:
        rows = zip(found["text_offset"], found["tokens"], found["token_logprobs"], found["top_logprobs"], strict=True)
        nats, greedy, tokens, first, last = 0.0, True, 0, len(text), 0
        for offset, token, chance, best in rows:
            last = max(last, offset + len(token)) if offset < len(text) else last
            if offset >= len(text) or (offset < begin and offset + len(token) <= begin) or chance is None:
                continue
            nats, tokens, first = nats + chance, tokens + 1, min(first, offset)
            greedy = greedy and chance >= max((best or {}).values(), default=-math.inf)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    # Servers that ignore `echo` give the tokens that they wrote themselves, which do not reach the text's end.
    if not tokens or last < len(text) or not -math.inf < nats < _ROUNDING:
        return None
    return TextProbability(min(nats, 0.0), greedy, tokens, first)


def why_unreadable(reply: Reply) -> str:
    """Return the reason for which a reply has no probability."""
    return reply.failure or "the server gives no log-probabilities of the prompt (echo with logprobs)"
