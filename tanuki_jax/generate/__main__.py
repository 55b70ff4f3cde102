"""Continues prompts with text from a checkpoint.

python -m tanuki_jax.generate runs/tiny --prompt 'user: ' --tokens 100
python -m tanuki_jax.generate runs/8b/checkpoints/00010000 --prompt '狸は' --prompt '狐は' --temperature 0
"""

import dataclasses
import math

import tyro

from tanuki_jax.checkpoints.folder import find
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.door import enter
from tanuki_jax.errors import InputError
from tanuki_jax.generate.text import continuations


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Continue prompts with text from a checkpoint, until the document ends, --tokens are written, or it is as long as rows in training."""

    checkpoint: tyro.conf.Positional[str]
    """A checkpoint, or a run folder, whose newest good checkpoint is taken."""
    prompt: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Text to continue; may be given several times."""
    tokens: int = 100
    """Largest number of new tokens."""
    temperature: float = 0.7
    """Divides the logits; 0: the most probable token each time."""
    top_k: int = 0
    """How many of the most probable tokens are chosen from; 0: all."""
    seed: int = 0
    """Of the random draws."""


def main(words: list[str]) -> None:
    options = parse_options("generate", words, Options)
    if not options.prompt:
        raise InputError("there is nothing to continue; give --prompt")
    if options.tokens < 1:
        raise InputError(f"--tokens is {options.tokens}, and must be above 0")
    if not 0 <= options.temperature < math.inf:
        raise InputError(f"--temperature is {options.temperature}, and must be 0 or above")
    if options.top_k < 0:
        raise InputError(f"--top-k is {options.top_k}, and must be above 0, or 0 for all tokens")
    checkpoint = find(options.checkpoint)
    texts = continuations(checkpoint, options.prompt, options.tokens, options.temperature, options.top_k, options.seed)
    for number, (prompt, text) in enumerate(zip(options.prompt, texts, strict=True)):
        if number:
            print("----")
        print(f"{prompt}{text}")


if __name__ == "__main__":
    enter("generate", main)
