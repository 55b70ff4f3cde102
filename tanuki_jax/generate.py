"""Generate text with a checkpoint: continue prompts, answer messages, or chat in the terminal.

python -m tanuki_jax.generate runs/tiny --prompt 'user: ' --tokens 100
python -m tanuki_jax.generate runs/8b/checkpoints/00010000 --prompt '狸は' --prompt '狐は' --temperature 0
python -m tanuki_jax.generate runs/tiny_dpo --message '散歩と会議を番号つきの一覧にして。'
python -m tanuki_jax.generate runs/8b_dpo --chat --temperature 0.5 --tokens 1024
python -m tanuki_jax.generate runs/8b_dpo --prompts questions.jsonl --out answers.jsonl --batch 64
"""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import tyro

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.config.limits import Limits, NonNegativeFloat, NonNegativeInt, PositiveInt, Seed
from tanuki_jax.corpus.records.types import Message


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Continue prompts or answer messages with the model of a checkpoint.

    A text ends where the model ends it, after --tokens, before a --stop text, or at the length of a row in training.
    """

    checkpoint: tyro.conf.Positional[str]
    """A checkpoint, or a run folder, whose newest good checkpoint is used."""
    prompt: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Text to continue."""
    message: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Message to answer, by the chat template beside the tokenizer; each is a conversation of its own."""
    prompts: str = ""
    """File of texts to continue (field `prompt`) and conversations to answer (field `messages`), as JSONL or Parquet;
    in any other file each line is a text to continue. Needs --out."""
    out: str = ""
    """File for the completions of --prompts: their lines with `completion` and `finish_reason`, as JSONL."""
    batch: PositiveInt = 16
    """Number of --prompts that are worked on at once; but for rounding, the completions do not depend on it."""
    chat: bool = False
    """Chat in the terminal, one line a turn; Ctrl-C stops an answer, /reset starts anew, Ctrl-D leaves."""
    system: str = ""
    """System message for conversations without one; empty: the template's default, if it has one."""
    adapter: str = ""
    """Name of the adapter, if the checkpoint has several; none: the model without adapters."""
    tokens: PositiveInt = 100
    """Most new tokens."""
    temperature: NonNegativeFloat = 0.7
    """Divisor of the logits; 0: the most probable token each time."""
    top_k: NonNegativeInt = 0
    """Number of the most probable tokens to sample from; 0: all."""
    top_p: Annotated[float, Limits(above=0, at_most=1)] = 1.0
    """Share of the probability whose most probable tokens are sampled from; 1: all."""
    repetition_penalty: Annotated[float, Limits(at_least=0.01, at_most=100)] = 1.0
    """Divisor of the logits of tokens that the text already contains; 1: no penalty."""
    stop: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Text before which to stop."""
    seed: Seed = 0
    """Seed of the sampling."""


def main(words: list[str]) -> None:
    """Run the command with its arguments."""
    options = parse_options("generate", words, Options)
    _check(options)
    from tanuki_jax.base.progress import progress  # after parsing: importing jax takes seconds
    from tanuki_jax.checkpoints.format import find
    from tanuki_jax.data.tokenizer.load import replace_surrogates
    from tanuki_jax.inference.assistant import Assistant
    from tanuki_jax.inference.batch_file import complete_file
    from tanuki_jax.inference.engine.job import Sampling
    from tanuki_jax.inference.load_model import load_model
    from tanuki_jax.inference.terminal import talk
    from tanuki_jax.inference.text import MOST_ROWS, continuations

    sampling = Sampling(
        tokens=options.tokens,
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        repetition_penalty=options.repetition_penalty,
        stop=options.stop,
        seed=options.seed,
    )
    with progress(f"loading {options.checkpoint}", None):
        loaded = load_model(find(options.checkpoint), options.adapter)
    if options.prompts:
        out = Path(options.out)
        print(complete_file(loaded, options.prompts, out, sampling, rows=options.batch, system=options.system))
    elif options.prompt:
        with progress("generating", None):
            texts = continuations(loaded, options.prompt, sampling)
        _print([f"{replace_surrogates(prompt)}{text}" for prompt, text in zip(options.prompt, texts, strict=True)])
    elif options.chat:
        talk(Assistant(loaded, sampling), options.system)
    else:
        system = [Message("system", options.system)] if options.system else []
        with progress("generating", None):
            assistant = Assistant(loaded, sampling, rows=min(len(options.message), MOST_ROWS))
            answers = assistant.answers([[*system, Message("user", message)] for message in options.message])
        _print([answer.text for answer in answers])
        for number, answer in enumerate(answers, 1):
            if answer.finish_reason == "length":
                which = f"answer {number}" if len(answers) > 1 else "the answer"
                print(f"({which} was cut off after {answer.tokens} tokens; --tokens allows more)", file=sys.stderr)


def _check(options: Options) -> None:
    if bool(options.prompt) + bool(options.message) + bool(options.prompts) + options.chat != 1:
        raise InputError("give exactly one of --prompt, --message, --prompts and --chat")
    if bool(options.prompts) != bool(options.out):
        raise InputError("--prompts and --out need each other: the file to read and the file to write")
    if options.system and options.prompt:
        raise InputError("--system needs a conversation, and --prompt is continued as it is: use --message or --chat")


def _print(texts: list[str]) -> None:
    print("\n----\n".join(texts))


if __name__ == "__main__":
    enter("generate", main)
