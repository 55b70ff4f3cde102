"""Prompts as jobs, and the texts that a model adds to them."""

import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tanuki_jax.base.errors import InputError
from tanuki_jax.inference.engine.job import Job, Sampling
from tanuki_jax.inference.engine.run_jobs import engine_for, run_jobs
from tanuki_jax.inference.load_model import LoadedModel

MOST_ROWS = 16
"""Most prompts of one call that are worked on at once."""


def jobs_for(loaded: LoadedModel, prompts: Sequence[Sequence[int]], sampling: Sampling) -> list[Job]:
    """Return a job for each prompt.

    Its text ends before a token of `loaded.end_ids` or a stop string, after `sampling.tokens`, or at the model's limit.
    It depends on the prompt, the options and the number of equal prompts before it alone.

    Args:
        loaded: the model.
        prompts: ids of each.
        sampling: options.

    Raises:
        InputError: a prompt is empty or as long as the limit already.
    """
    for prompt in prompts:
        check_prompt(loaded, prompt)
    options = {name: value for name, value in vars(sampling).items() if name != "tokens"}
    return [
        Job(**options, tokens=min(sampling.tokens, loaded.limit - len(prompt)), prompt=tuple(prompt), choice=choice)
        for prompt, choice in zip(prompts, _choices(prompts), strict=True)
    ]


def _choices(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Return a number below 2^32 for each prompt, made of its ids and of how many equal prompts precede it.

    So equal prompts are sampled differently, and the order of the other prompts does not matter.
    """
    counts: Counter[tuple[int, ...]] = Counter()
    choices = []
    for prompt in map(tuple, prompts):
        choices.append(zlib.crc32(np.array([*prompt, counts[prompt]], "<i4").tobytes()))
        counts[prompt] += 1
    return choices


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


def continuations(loaded: LoadedModel, prompts: Sequence[str], sampling: Sampling) -> list[str]:
    """Return the text that the model adds to each prompt, which ends with the document, or the answer, at the latest.

    Raise InputError as `jobs_for` does. There is at least one prompt.
    """
    jobs = jobs_for(loaded, [encode_text(loaded, prompt) for prompt in prompts], sampling)
    engine = engine_for(loaded, jobs, rows=min(len(jobs), MOST_ROWS))
    return [completion.text for completion in run_jobs(engine, jobs)]
