"""Text that continues prompts, from a checkpoint on one device."""

import dataclasses
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import numpy as np

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import read_state
from tanuki_jax.checkpoints.parameters import load as load_weights
from tanuki_jax.checkpoints.tokenizer_copy import tokenizer_path
from tanuki_jax.config.model import Model
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.inference.bos import before_text
from tanuki_jax.inference.decode import begin, grow
from tanuki_jax.inference.sample import Sampling
from tanuki_jax.inference.text_deltas import Pieces
from tanuki_jax.lm.model.weights import Params

CHUNK = 16
"""Tokens that are written in one go, before the host looks at them."""

type FinishReason = Literal["eos_token", "stop_sequence", "length"]
"""The model ended it; a stop string was met; it has as many tokens as it may have."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """How a text goes on, and where it ends beside where the model ends it."""

    tokens: int = 100
    """New ones at the most."""
    temperature: float = 0.0
    """Divides the logits; 0: the most probable token each time."""
    top_k: int = 0
    """How many tokens may be chosen from; 0: all."""
    top_p: float = 1.0
    """Share of the probability that may be chosen from."""
    repetition_penalty: float = 1.0
    """What logits of tokens that are there already are divided by."""
    stop: tuple[str, ...] = ()
    """Strings before which the text ends."""
    seed: int = 0
    """Of the random draws."""


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A model that writes, its tokenizer and where that lies."""

    parameters: Params
    model: Model
    tokenizer: Tokenizer
    folder: Path
    limit: int
    """Tokens of the longest text that it was made for."""
    beginning: tuple[int, ...] = ()
    """Ids before a text that is to be continued."""


class Piece(NamedTuple):
    """What a text has new."""

    text: str
    tokens: int
    finish_reason: FinishReason | None
    """With its last piece why it ends; None before and after."""


class Completion(NamedTuple):
    """All that was written after a prompt."""

    text: str
    tokens: int
    finish_reason: FinishReason


def load_model(checkpoint: Path, adapter: str = "") -> Loaded:
    """The model of a checkpoint on the first device, in bfloat16, on CPUs in float32; an adapter is merged.

    Args:
        checkpoint: folder of a finished checkpoint.
        adapter: which one, where it has several, or `none`; empty: the only one, if there is one.

    Raises:
        InputError: the tokenizer is gone or another one, or there is no such adapter.
    """
    state = read_state(checkpoint)
    path = tokenizer_path(checkpoint, state)
    tokenizer = load(path)
    if tokenizer.vocabulary > state.model.vocabulary:
        raise InputError(
            f"{path} has {tokenizer.vocabulary} pieces, more than the {state.model.vocabulary} of the model; it is not its tokenizer"
        )
    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])

    def place(model: Model, tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here), tree)

    dtype = "float32" if jax.default_backend() == "cpu" else "bfloat16"
    beginning = before_text(tokenizer, path)
    return Loaded(
        load_weights(checkpoint, dtype, place, adapter), state.model, tokenizer, path, state.sequence_length, beginning
    )


def stream(
    loaded: Loaded,
    prompts: Sequence[Sequence[int]],
    ends: Sequence[int],
    request: Request,
    *,
    draws: Sequence[int] = (),
    chunk: int = CHUNK,
) -> Iterator[list[Piece]]:
    """What the model writes after each prompt, which is not repeated: again and again what each row has new, all rows in one batch.

    A text ends before a token of `ends` or a stop string, after `request.tokens`, or at the model's limit. What it is depends on the
    prompt, the request and the prompt's number for random draws.

    Args:
        loaded: the model.
        prompts: ids.
        ends: ids that end a text.
        request: how texts go on.
        draws: for each prompt its number for random draws; none: those of `numbers`.
        chunk: tokens that are written in one go.

    Raises:
        InputError: a prompt is empty or leaves no room.
    """
    for prompt in prompts:
        check(loaded, prompt)
    sampling = Sampling(
        vocabulary=loaded.tokenizer.vocabulary,
        repetition_penalty=request.repetition_penalty,
        temperature=request.temperature,
        top_k=request.top_k,
        top_p=request.top_p,
    )
    numbers_b = np.array(draws or numbers(prompts), np.uint32)
    keys_b = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(request.seed), numbers_b)
    texts = [_Text(loaded, prompt, request) for prompt in prompts]
    rows = begin(loaded.parameters, prompts, request.tokens, loaded.model, loaded.limit)
    for first in range(0, request.tokens, chunk):
        count = np.int32(min(chunk, request.tokens - first))
        rows = grow(
            loaded.parameters, rows, keys_b, count, model=loaded.model, sampling=sampling, ends=tuple(sorted(ends))
        )
        written, lengths, ended = jax.device_get((rows.tokens_bs, rows.lengths_b, rows.ended_b))
        yield [
            text.add(ids[:length].tolist(), ended=bool(end))
            for text, ids, length, end in zip(texts, written, lengths, ended, strict=True)
        ]
        finished = np.array([text.finished for text in texts])
        if finished.all():
            return
        rows = rows._replace(ended_b=rows.ended_b | finished)


class _Text:
    """A row on its way."""

    def __init__(self, loaded: Loaded, prompt: Sequence[int], request: Request) -> None:
        self._pieces = Pieces(loaded.tokenizer.decode, prompt, request.stop)
        self._length = len(prompt)
        self._most = min(len(prompt) + request.tokens, loaded.limit)
        self.finished = False

    def add(self, ids: Sequence[int], *, ended: bool) -> Piece:
        """What is new with these ids, the prompt's included."""
        if self.finished:
            return Piece("", 0, None)
        full = len(ids) >= self._most
        text, tokens = self._pieces.add(ids, last=full or ended), len(ids) - self._length
        self._length = len(ids)
        reason: FinishReason | None = "eos_token" if ended else None
        if full:
            reason = "length"
        if self._pieces.stopped:
            reason = "stop_sequence"
        self.finished = reason is not None
        return Piece(text, tokens, reason)


def numbers(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Numbers for random draws, below 2^32: of a prompt by its ids and how many equal ones come before it, wherever it stands."""
    before: Counter[tuple[int, ...]] = Counter()
    found = []
    for prompt in map(tuple, prompts):
        found.append(zlib.crc32(np.array([*prompt, before[prompt]], "<i4").tobytes()))
        before[prompt] += 1
    return found


def check(loaded: Loaded, prompt: Sequence[int]) -> None:
    """InputError if a prompt is empty or leaves no room."""
    if not prompt:
        raise InputError("a prompt has no tokens; there must be something to continue")
    if len(prompt) >= loaded.limit:
        text = loaded.tokenizer.decode(prompt)
        shown = text if len(text) <= 20 else f"{text[:20]}..."
        raise InputError(
            f"the prompt {shown!r} has {len(prompt)} tokens; the model is made for texts of {loaded.limit}, which leaves no room"
        )


def encoded(loaded: Loaded, text: str) -> list[int]:
    """The ids of a text that is to be continued."""
    return [*loaded.beginning, *loaded.tokenizer.encode(text)]


def continuations(loaded: Loaded, prompts: Sequence[str], request: Request) -> list[str]:
    """What the model writes after each of some texts, until it ends the document; as `stream`, whole."""
    rows = [encoded(loaded, prompt) for prompt in prompts]
    return [completion.text for completion in whole(stream(loaded, rows, [loaded.tokenizer.eod], request))]


def whole(pieces: Iterator[list[Piece]]) -> list[Completion]:
    """All of what `stream` gives, for each prompt."""
    completions = []
    for row in zip(*pieces, strict=True):
        [reason] = (piece.finish_reason for piece in row if piece.finish_reason is not None)
        completions.append(Completion("".join(piece.text for piece in row), sum(piece.tokens for piece in row), reason))
    return completions
