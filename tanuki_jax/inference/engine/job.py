"""Jobs of an engine, and what it reports of them."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tanuki_jax.inference.text_deltas import FinishReason

MOST_ALTERNATIVES = 20
"""Most alternatives of a token whose log-probabilities are computed."""


class Grammar(Protocol):
    """State of a text that must follow a grammar."""

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Return which ids may come next, bool[V]."""
        ...

    def add(self, token: int) -> None:
        """Follow one more token, which is allowed."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Sampling:
    """Options of a text: choice of its tokens, and where it ends if the model does not end it first."""

    tokens: int = 100
    """Most new tokens."""
    temperature: float = 0.0
    """Divisor of the logits; 0: the most probable token each time."""
    top_k: int = 0
    """Number of the most probable tokens to sample from; 0: all."""
    top_p: float = 1.0
    """Share of the probability to sample from."""
    min_p: float = 0.0
    """Least probability of a token, relative to the most probable one."""
    repetition_penalty: float = 1.0
    """Divisor of the logits of tokens that prompt or new text contain, factor of negative ones."""
    presence_penalty: float = 0.0
    """Subtracted from the logits of tokens that the new text contains."""
    frequency_penalty: float = 0.0
    """Subtracted from the logits of tokens, once for each time that the new text contains them."""
    stop: tuple[str, ...] = ()
    """Strings before which the text ends."""
    seed: int = 0
    """Seed of the sampling, below 2^64."""

    @property
    def penalties(self) -> tuple[float, float, float]:
        """Return the penalties of repetition, presence and frequency."""
        return self.repetition_penalty, self.presence_penalty, self.frequency_penalty


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Job(Sampling):
    """One text to continue, or to score, or to embed."""

    prompt: tuple[int, ...]
    """Ids, at least one."""
    tokens: int = 0
    choice: int = 0
    """Number below 2^32 that is folded into the seed: several answers to one prompt differ."""
    bias: Mapping[int, float] = dataclasses.field(default_factory=dict)
    """Id -> what is added to its logit."""
    grammar: Grammar | None = None
    """Grammar that the new text follows."""
    logprobs: bool = False
    """Whether log-probabilities of the new tokens are reported."""
    prompt_logprobs: bool = False
    """Whether log-probabilities of the prompt's tokens are reported."""
    embed: bool = False
    """Whether the mean of the prompt's last hidden states is reported."""

    @property
    def detailed(self) -> bool:
        """Whether each new token needs the host: for its log-probabilities, its grammar or its bias."""
        return bool(self.logprobs or self.grammar or self.bias)


class Scored(NamedTuple):
    """Log-probabilities at one place of a text, of the model itself: before temperature, penalties and grammar."""

    token: int
    logprob: float
    """Log-probability of the token that stands there."""
    top_tokens: tuple[int, ...]
    """The most probable ids, most probable first."""
    top_logprobs: tuple[float, ...]


class Update(NamedTuple):
    """News of a job."""

    text: str = ""
    """New text, never half a character."""
    tokens: tuple[int, ...] = ()
    """New ids; ids of several updates may belong to the text of a later one."""
    scores: tuple[Scored, ...] = ()
    """Scores of the new ids, if asked for."""
    prompt_scores: tuple[Scored, ...] = ()
    """Scores of the prompt's tokens but the first, if asked for; once, in the first update."""
    embedding: npt.NDArray[np.float32] | None = None
    """float32[D], if asked for."""
    finish_reason: FinishReason | None = None
    """Set in the last update of a job that makes tokens."""
    done: bool = False
    """Whether this is the last update."""
    failed: bool = False
    """Whether the job ended with an error, which is in the log."""
