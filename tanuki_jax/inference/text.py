"""Generation of text by a loaded model, all prompts of a call in one batch."""

import dataclasses
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

import jax
import numpy as np

from tanuki_jax.base.errors import InputError
from tanuki_jax.inference.decode import decode_tokens, init_rows
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.sample import Sampling
from tanuki_jax.inference.text_deltas import RowText, TextDelta, join_deltas

CHUNK = 16
"""Tokens that are decoded in one call on the device, before the host looks at them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """Options of a generation: sampling, and where a text ends if the model does not end it first."""

    tokens: int = 100
    """Most new tokens."""
    temperature: float = 0.0
    """Divisor of the logits; 0: the most probable token each time."""
    top_k: int = 0
    """Number of the most probable tokens to sample from; 0: all."""
    top_p: float = 1.0
    """Share of the probability to sample from."""
    repetition_penalty: float = 1.0
    """Divisor of the logits of tokens that the text already contains."""
    stop: tuple[str, ...] = ()
    """Strings before which the text ends."""
    seed: int = 0
    """Seed of the sampling."""

    def sampling(self, vocabulary: int) -> Sampling:
        """Return the options for a tokenizer of so many pieces."""
        return Sampling(
            vocabulary=vocabulary,
            repetition_penalty=self.repetition_penalty,
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
        )


def stream(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    request: Request,
    *,
    rng_ids: Sequence[int] = (),
    chunk: int = CHUNK,
) -> Iterator[list[TextDelta]]:
    """Generate after each prompt, and yield again and again one delta for each row.

    A text ends before a token of `loaded.end_ids` or a stop string, after `request.tokens`, or at the model's limit. It
    depends on the prompt, the request and the prompt's `rng_id` alone.

    Args:
        loaded: the model.
        prompts: ids of each row.
        request: sampling and limits.
        rng_ids: for each prompt a number that is folded into the random key; empty: those of `rng_ids_of`.
        chunk: tokens for one delta.

    Raises:
        InputError: a prompt is empty or as long as the limit already.
    """
    for prompt in prompts:
        check_prompt(loaded, prompt)
    rng_ids_b = np.array(rng_ids or rng_ids_of(prompts), np.uint32)
    keys_b = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(request.seed), rng_ids_b)
    texts = [
        RowText(loaded.tokenizer.decode, prompt, request.stop, min(len(prompt) + request.tokens, loaded.limit))
        for prompt in prompts
    ]
    rows = init_rows(loaded.parameters, prompts, request.tokens, loaded.model, loaded.limit)
    for first in range(0, request.tokens, chunk):
        rows = decode_tokens(
            loaded.parameters,
            rows,
            keys_b,
            np.int32(min(chunk, request.tokens - first)),
            model=loaded.model,
            sampling=request.sampling(loaded.tokenizer.vocabulary),
            end_ids=tuple(sorted(loaded.end_ids)),
        )
        tokens_bs, lengths_b, ended_b = jax.device_get((rows.tokens_bs, rows.lengths_b, rows.ended_b))
        yield [
            text.add(ids[:length].tolist(), ended=bool(ended))
            for text, ids, length, ended in zip(texts, tokens_bs, lengths_b, ended_b, strict=True)
        ]
        finished_b = np.array([text.finished for text in texts])
        if finished_b.all():
            return
        # A stop string ends a row on the host only: tell the device, so that the row grows no further.
        rows = rows._replace(ended_b=rows.ended_b | finished_b)


def rng_ids_of(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Return a number below 2^32 for each prompt, made of its ids and of how many equal prompts precede it.

    So equal prompts are sampled differently, and the order of the other prompts does not matter.
    """
    counts: Counter[tuple[int, ...]] = Counter()
    rng_ids = []
    for prompt in map(tuple, prompts):
        rng_ids.append(zlib.crc32(np.array([*prompt, counts[prompt]], "<i4").tobytes()))
        counts[prompt] += 1
    return rng_ids


def check_prompt(loaded: LoadedModel, prompt: Sequence[int]) -> None:
    """Raise InputError if a prompt is empty or as long as the limit already."""
    if not prompt:
        raise InputError("the prompt has no tokens: give at least one character to continue")
    if len(prompt) >= loaded.limit:
        text = loaded.tokenizer.decode(prompt)
        excerpt = text if len(text) <= 20 else f"{text[:20]}..."
        raise InputError(
            f"the prompt {excerpt!r} has {len(prompt)} tokens, and the model is made for texts of {loaded.limit}: "
            "shorten the prompt"
        )


def encode_text(loaded: LoadedModel, text: str) -> list[int]:
    """Return the ids of a text to be continued."""
    return [*loaded.bos, *loaded.tokenizer.encode(text)]


def continuations(loaded: LoadedModel, prompts: Sequence[str], request: Request) -> list[str]:
    """Return the text that the model adds to each prompt, which ends with the document, or the answer, at the latest.

    Raise InputError as `stream` does.
    """
    rows = [encode_text(loaded, prompt) for prompt in prompts]
    return [completion.text for completion in join_deltas(stream(loaded, rows, request))]
