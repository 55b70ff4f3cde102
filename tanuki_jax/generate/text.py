"""Text that continues prompts, from a checkpoint on one device."""

import re
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from tanuki_jax.checkpoints.folder import read_state, tokenizer_path
from tanuki_jax.checkpoints.restore import restore
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.errors import InputError
from tanuki_jax.generate.sample import Sampling, extend
from tanuki_jax.model.llama import shapes

_UNFINISHED_CHARACTER = re.compile("\ufffd{1,3}\\Z")


def continuations(checkpoint: Path, prompts: Sequence[str], tokens: int, temperature: float, top_k: int, seed: int) -> list[str]:
    """What the model writes after each prompt, which is not repeated; the prompts are one batch.

    A text ends where the model ends the document, after `tokens`, or at the checkpoint's `sequence_length`. Parameters and activations
    are bfloat16, on CPUs float32.

    Args:
        checkpoint: folder of a finished checkpoint.
        prompts: texts to continue.
        tokens: largest number of new tokens.
        temperature: 0 for the most probable token each time.
        top_k: how many tokens may be chosen from; 0: all.
        seed: of the random draws.

    Raises:
        InputError: the tokenizer is gone or another one; a prompt is empty, or leaves no room up to `sequence_length`.
    """
    state = read_state(checkpoint)
    path = tokenizer_path(checkpoint, state)
    tokenizer = load(path)
    if tokenizer.vocabulary > state.model.vocabulary:
        raise InputError(
            f"{path} has {tokenizer.vocabulary} pieces, more than the {state.model.vocabulary} of the model; it is not its tokenizer"
        )
    limit = state.sequence_length
    rows = _encode(tokenizer, prompts, limit)
    buffer = np.zeros((len(rows), min(max(map(len, rows)) + tokens, limit)), np.int32)
    for line, row in zip(buffer, rows, strict=True):
        line[: len(row)] = row
    place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    dtype = "float32" if jax.default_backend() == "cpu" else "bfloat16"
    wanted = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), shapes(state.model, dtype))
    written, lengths = extend(
        restore(checkpoint, base=wanted)["base"],
        jax.numpy.asarray(buffer),
        jax.numpy.asarray([len(row) for row in rows], jax.numpy.int32),
        jax.random.key(seed),
        model=state.model,
        sampling=Sampling(temperature=temperature, top_k=top_k, vocabulary=tokenizer.vocabulary),
        count=tokens,
        eod=tokenizer.eod,
    )
    ended = zip(np.asarray(written), np.asarray(lengths), rows, strict=True)
    return [_after(tokenizer, line[:length].tolist(), len(row)) for line, length, row in ended]


def _encode(tokenizer: Tokenizer, prompts: Sequence[str], limit: int) -> list[list[int]]:
    rows = [tokenizer.encode(prompt) for prompt in prompts]
    for prompt, row in zip(prompts, rows, strict=True):
        if not row:
            raise InputError(f"the prompt {prompt!r} has no tokens; there must be something to continue")
        if len(row) >= limit:
            shown = prompt if len(prompt) <= 20 else f"{prompt[:20]}..."
            raise InputError(f"the prompt {shown!r} has {len(row)} tokens; the model is made for texts of {limit}, which leaves no room")
    return rows


def _after(tokenizer: Tokenizer, ids: Sequence[int], prompt: int) -> str:
    """Text that the ids after the first `prompt` ones add, without a last character of which bytes are missing."""
    text = _UNFINISHED_CHARACTER.sub("", tokenizer.decode(ids))
    return text[len(tokenizer.decode(ids[:prompt])) :]
