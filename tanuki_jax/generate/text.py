"""Text that continues prompts, from a checkpoint on one device."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tanuki_jax.checkpoints.folder import read_state, tokenizer_path
from tanuki_jax.checkpoints.weights import load as load_weights
from tanuki_jax.config.model import Model
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.errors import InputError
from tanuki_jax.generate.decode import begin, grow
from tanuki_jax.generate.pieces import Pieces
from tanuki_jax.generate.sample import Sampling
from tanuki_jax.model.llama import Params

CHUNK = 16
"""Tokens that are written in one go, before the host looks at them."""


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

    def place(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here), tree)

    dtype = "float32" if jax.default_backend() == "cpu" else "bfloat16"
    return Loaded(load_weights(checkpoint, dtype, place, adapter), state.model, tokenizer, path, state.sequence_length)


def stream(loaded: Loaded, prompts: Sequence[Sequence[int]], ends: Sequence[int], request: Request) -> Iterator[list[str]]:
    """What the model writes after each prompt, which is not repeated: again and again what each row has new, all rows in one batch.

    A text ends before a token of `ends` or a stop string, after `request.tokens`, or at the model's limit. All pieces of a row
    together are its text; what it is depends on the prompt, its place among the prompts, and the request.

    InputError if a prompt is empty or leaves no room.
    """
    for prompt in prompts:
        _check(loaded, prompt)
    sampling = Sampling(
        vocabulary=loaded.tokenizer.vocabulary,
        repetition_penalty=request.repetition_penalty,
        temperature=request.temperature,
        top_k=request.top_k,
        top_p=request.top_p,
    )
    key, endings = jax.random.key(request.seed), tuple(sorted(ends))
    pieces = [Pieces(loaded.tokenizer.decode, prompt, request.stop) for prompt in prompts]
    rows = begin(loaded.parameters, prompts, request.tokens, loaded.model, loaded.limit)
    for first in range(0, request.tokens, CHUNK):
        count = np.int32(min(CHUNK, request.tokens - first))
        rows = grow(loaded.parameters, rows, key, count, model=loaded.model, sampling=sampling, ends=endings)
        written, lengths, ended = jax.device_get((rows.tokens_bs, rows.lengths_b, rows.ended_b))
        last = first + CHUNK >= request.tokens
        told = zip(pieces, written, lengths, ended, strict=True)
        yield [row.add(ids[:length].tolist(), last=last or bool(end)) for row, ids, length, end in told]
        stopped = np.array([row.stopped for row in pieces])
        if (ended | stopped).all():
            return
        rows = rows._replace(ended_b=rows.ended_b | stopped)


def _check(loaded: Loaded, prompt: Sequence[int]) -> None:
    if not prompt:
        raise InputError("a prompt has no tokens; there must be something to continue")
    if len(prompt) >= loaded.limit:
        text = loaded.tokenizer.decode(prompt)
        shown = text if len(text) <= 20 else f"{text[:20]}..."
        raise InputError(
            f"the prompt {shown!r} has {len(prompt)} tokens; the model is made for texts of {loaded.limit}, which leaves no room"
        )


def continuations(loaded: Loaded, prompts: Sequence[str], request: Request) -> list[str]:
    """What the model writes after each of some texts, until it ends the document; as `stream`, whole."""
    tokenizer = loaded.tokenizer
    rows = [tokenizer.encode(prompt) for prompt in prompts]
    return joined(stream(loaded, rows, [tokenizer.eod], request), len(prompts))


def joined(pieces: Iterator[list[str]], rows: int) -> list[str]:
    """The texts of rows, of their pieces."""
    texts = [""] * rows
    for new in pieces:
        texts = [text + piece for text, piece in zip(texts, new, strict=True)]
    return texts
