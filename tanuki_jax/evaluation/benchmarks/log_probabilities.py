"""Log-probabilities of given texts, read from the answers of `/v1/completions` with `echo`."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from tanuki_jax.evaluation.benchmark import Ask, Reply

_FIELDS = ("text_offset", "tokens", "token_logprobs", "top_logprobs")
_ROUNDING = 0.01
"""Nats above 0 that are an error of rounding."""


@dataclass(frozen=True, slots=True)
class TextProbability:
    """Log-probability that a model gives a text."""

    nats: float
    """Natural logarithm of the probability; at most 0."""
    greedy: bool | None
    """Whether each of its tokens is the likeliest one, so that the model would write it at temperature 0; None: the
    server does not say which tokens are the likeliest."""
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
        rows = [*zip(*(found[name] for name in _FIELDS), strict=True)]
        places = _places([(offset, str(token)) for offset, token, _, _ in rows], reply.input_tokens, len(text))
        counted = [
            (start, chance, best)
            for (start, end), (_, _, chance, best) in zip(itertools.pairwise(places), rows, strict=False)
            if chance is not None and (not begin or start >= begin or end > begin)
        ]
        nats = math.fsum(chance for _, chance, _ in counted)
        tops = [(chance, max(best.values())) for _, chance, best in counted if best]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if not counted or not -math.inf < nats < _ROUNDING:
        return None
    greedy = all(chance >= best for chance, best in tops) if len(tops) == len(counted) else None
    return TextProbability(min(nats, 0.0), greedy, len(counted), max(0, min(start for start, _, _ in counted)))


def _places(tokens: list[tuple[int, str]], prompt_tokens: int, length: int) -> list[int]:
    """Return where the tokens of a text begin, and behind them its length. ValueError if that is not known.

    Some servers count what their tokens look like: vLLM's offsets also count a token that begins every prompt, such as
    <|begin_of_text|>, and parts of a character as characters. So the offsets are measured from the generated token,
    which begins where the text ends.

    Args:
        tokens: offsets and texts of the tokens, those of the text first.
        prompt_tokens: number of tokens of the text; 0: the server does not state it.
        length: characters of the text.
    """
    offsets = [offset for offset, _ in tokens]
    if not prompt_tokens:
        prompt_tokens = sum(offset < length for offset in offsets)
        # A server that ignores `echo` gives the tokens that it wrote, which do not reach the end of the text.
        generated, reached = offsets[prompt_tokens:], max((offset + len(text) for offset, text in tokens), default=0)
        if generated not in ([], [length]) or (not generated and reached < length):
            raise ValueError("the tokens do not end where the text ends")
    if prompt_tokens > len(offsets):
        raise ValueError("there are fewer tokens than the text has")
    moved = offsets[prompt_tokens] - length if prompt_tokens < len(offsets) else 0
    return [*(offset - moved for offset in offsets[:prompt_tokens]), length]


def why_unreadable(reply: Reply) -> str:
    """Return the reason for which a reply has no probability."""
    return reply.failure or "the server gives no log-probabilities of the prompt (echo with logprobs)"
