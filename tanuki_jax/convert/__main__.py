"""Converts checkpoints to Hugging Face's format and back, adapters to PEFT's, makes mixtures of experts of dense models, merges adapters.

python -m tanuki_jax.convert to-hf runs/8b exported/8b --dtype bfloat16
python -m tanuki_jax.convert from-hf exported/8b checkpoints/8b
python -m tanuki_jax.convert upcycle checkpoints/8x8b --from runs/8b_phase2_0627 --to 8x8b
python -m tanuki_jax.convert merge runs/tiny_dpo checkpoints/tiny_chat
python -m tanuki_jax.convert to-peft runs/tiny_dpo exported/tiny_dpo
python -m tanuki_jax.convert tokenizer data/demo/tokenizer
"""

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import jax
import rich.console
import rich.progress
import tyro

from tanuki_jax.checkpoints.folder import find, read_state
from tanuki_jax.config import registry
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.convert import adapters, from_hugging_face, peft, to_hugging_face, tokenizer_files, upcycle
from tanuki_jax.convert.configuration import TANUKI, model_type, read_model
from tanuki_jax.door import enter
from tanuki_jax.errors import InputError
from tanuki_jax.model.llama import count_active_parameters, count_parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class ToHuggingFace:
    """Write a checkpoint as a folder that transformers loads: safetensors, config.json and the tokenizer."""

    checkpoint: tyro.conf.Positional[str]
    """A checkpoint, or a run folder, whose newest good checkpoint is taken."""
    out: tyro.conf.Positional[str]
    """Folder to make."""
    dtype: Literal["as-stored", "bfloat16", "float32"] = "as-stored"
    """Type of the tensors."""
    adapter: str = ""
    """Adapter that is merged into them, where the checkpoint has several; none: the model without it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ToPeft:
    """Write an adapter of a checkpoint as a folder that PEFT loads."""

    checkpoint: tyro.conf.Positional[str]
    """A checkpoint, or a run folder, whose newest good checkpoint is taken."""
    out: tyro.conf.Positional[str]
    """Folder to make."""
    adapter: str = ""
    """Which one, where the checkpoint has several."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FromPeft:
    """Write a LoRA adapter in PEFT's format as a checkpoint over another one's parameters."""

    folder: tyro.conf.Positional[str]
    """Folder with adapter_config.json and adapter_model.safetensors."""
    out: tyro.conf.Positional[str]
    """Folder to make."""
    base: str
    """A checkpoint of the model that it adapts, or a run folder, whose newest good checkpoint is taken."""
    name: str = "default"
    """Name of the adapter in the checkpoint."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Merge:
    """Write a checkpoint with an adapter merged into its parameters, from which training starts as from any."""

    checkpoint: tyro.conf.Positional[str]
    """A checkpoint with adapters, or a run folder, whose newest good checkpoint is taken."""
    out: tyro.conf.Positional[str]
    """Folder to make."""
    adapter: str = ""
    """Which one, where the checkpoint has several."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of the parameters."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Adapters:
    """Put the adapters of several checkpoints, all of the same parameters, into one checkpoint."""

    out: tyro.conf.Positional[str]
    """Folder to make."""
    source: Annotated[tuple[str, ...], tyro.conf.arg(name="from")]
    """Checkpoints, or run folders, whose newest good checkpoints are taken."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FromHuggingFace:
    """Write a Llama or Mixtral in Hugging Face's format as a checkpoint, from which training starts with --start.checkpoint."""

    folder: tyro.conf.Positional[str]
    """Folder with config.json, safetensors and a tokenizer."""
    out: tyro.conf.Positional[str]
    """Folder to make."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Upcycle(upcycle.Options):
    """Write a mixture of experts made of a dense Llama as a checkpoint, from which training starts with --start.checkpoint."""

    out: tyro.conf.Positional[str]
    """Folder to make."""
    source: Annotated[str, tyro.conf.arg(name="from")]
    """A checkpoint, a run folder, whose newest good checkpoint is taken, or a model folder of Hugging Face's."""
    to: str
    """Name of the registered experiment whose model is to be made, or file.py:name."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareTokenizer:
    """Print how often SentencePiece and the tokenizer.json made from it encode a line of text differently."""

    folder: tyro.conf.Positional[str]
    """Folder with tokenizer.model, and tokenizer.json unless it is to be made for the comparison."""
    texts: tuple[str, ...] = ()
    """Files or globs of documents (plain text, JSONL, Parquet) to take lines from; none: 5,000 lines of code and Japanese."""


def to_hf(words: list[str]) -> None:
    options = parse_options("convert to-hf", words, ToHuggingFace)
    checkpoint = find(options.checkpoint)
    model = read_state(checkpoint).model
    parameters = count_parameters(model)
    dtype = "" if options.dtype == "as-stored" else options.dtype
    with _progress("writing tensors", parameters) as done:
        written = to_hugging_face.write(checkpoint, Path(options.out), dtype, done, adapter=options.adapter)
    print(f"{options.out}: {parameters:,} parameters of {checkpoint} in {written.dtype}, {written.files} file{'s'[: written.files > 1]}")
    print(f"max_position_embeddings {written.positions}; {'the tokenizer' if written.tokenizer else 'no tokenizer'} beside them")
    if model_type(model) == TANUKI:
        print(
            "transformers loads it with trust_remote_code=True; a plain Mixtral runtime, such as GGUF tools, would compute something else, "
            "because it does not standardize router logits",
            file=sys.stderr,
        )


def to_peft(words: list[str]) -> None:
    options = parse_options("convert to-peft", words, ToPeft)
    checkpoint = find(options.checkpoint)
    name, of = peft.write(checkpoint, Path(options.out), options.adapter)
    print(f"{options.out}: the adapter {name} of {checkpoint}, rank {of.rank}, of {', '.join(of.projections)}")


def from_peft(words: list[str]) -> None:
    options = parse_options("convert from-peft", words, FromPeft)
    base = find(options.base)
    of = peft.read(Path(options.folder), base, Path(options.out), options.name)
    print(f"{options.out}: a checkpoint with the adapter {options.name}, rank {of.rank}, over {base}")


def merge(words: list[str]) -> None:
    options = parse_options("convert merge", words, Merge)
    checkpoint = find(options.checkpoint)
    with _progress("writing parameters", count_parameters(read_state(checkpoint).model)) as done:
        lost = adapters.merge(checkpoint, Path(options.out), options.adapter, options.dtype, done)
    print(f"{options.out}: the parameters of {checkpoint} with its adapter in them, in {options.dtype}")
    print(f"rounding to {options.dtype} changed them by {lost:.2%} of what the adapter does (norm of the difference)")


def combine(words: list[str]) -> None:
    options = parse_options("convert adapters", words, Adapters)
    names = adapters.combine([find(source) for source in options.source], Path(options.out))
    print(f"{options.out}: a checkpoint with the adapters {', '.join(names)}; `generate --adapter NAME` takes one")


def from_hf(words: list[str]) -> None:
    options = parse_options("convert from-hf", words, FromHuggingFace)
    folder = Path(options.folder)
    parameters = count_parameters(read_model(folder))
    with _progress("writing parameters", parameters) as done:
        state = from_hugging_face.write(folder, Path(options.out), done)
    print(f"{options.out}: a checkpoint of {parameters:,} parameters, {'with the tokenizer' if state.tokenizer else 'without a tokenizer'}")
    print(f"training starts from it with --start.checkpoint={options.out}")


def upcycle_dense(words: list[str]) -> None:
    options = parse_options("convert upcycle", words, Upcycle)
    experiment = registry.experiment.find(options.to)
    source, dense = upcycle.write(Path(options.source), Path(options.out), experiment, options, _progress)
    model, start = experiment.model, f"--start.checkpoint={options.out}"
    print(f"{options.out}: {count_parameters(model):,} parameters, {count_active_parameters(model):,} of them active for each token")
    print(f"each layer of {source} became {model.experts} experts: {_made(options)}; the routers are fresh")
    for field in ("rope_theta", "norm_epsilon"):
        if (had := getattr(dense, field)) != (has := getattr(model, field)):
            print(f"{field} was {had:g} and is {has:g} from here on, as {options.to} has it: the loss begins higher for that")
    if options.optimizer == "copied":
        start += " --start.load=parameters_and_optimizer"
    print(f"training starts from it with {start}")


def _made(options: upcycle.Options) -> str:
    """What experts are, in words."""
    if options.initialisation == "drop":
        return f"copies in which {options.share:g} of the hidden units are drawn anew"
    if options.initialisation == "sparse":
        return "plain copies"
    scale = " times that of each matrix" if options.noise_scale == "relative" else ""
    return f"copies plus noise of standard deviation {options.noise:g}{scale}"


def tokenizer(words: list[str]) -> None:
    options = parse_options("convert tokenizer", words, CompareTokenizer)
    found = tokenizer_files.compare(Path(options.folder), options.texts)
    print(f"{found.different} of {found.total} lines ({found.rate:.3%}) encode differently in SentencePiece and tokenizer.json")
    print(f"{found.lost} do not decode back to themselves" if found.lost else "all of them decode back to themselves")
    for example in found.examples:
        print(f"  {example!r}")


COMMANDS: dict[str, tuple[Callable[[list[str]], None], type]] = {
    "to-hf": (to_hf, ToHuggingFace),
    "from-hf": (from_hf, FromHuggingFace),
    "upcycle": (upcycle_dense, Upcycle),
    "merge": (merge, Merge),
    "adapters": (combine, Adapters),
    "to-peft": (to_peft, ToPeft),
    "from-peft": (from_peft, FromPeft),
    "tokenizer": (tokenizer, CompareTokenizer),
}


def main(words: list[str]) -> None:
    if not words or words[0] in ("-h", "--help"):
        print(f"usage: python -m tanuki_jax.convert {{{','.join(COMMANDS)}}} ...\n")
        for name, (_, options) in COMMANDS.items():
            print(f"  {name:<12}{options.__doc__}")
        print("\nEach answers --help.")
        return
    if words[0] not in COMMANDS:
        raise InputError(f"{words[0]!r} is none of {', '.join(COMMANDS)}")
    jax.config.update("jax_platforms", "cpu")  # the accelerator may be busy with the run
    COMMANDS[words[0]][0](words[1:])


@contextlib.contextmanager
def _progress(what: str, parameters: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, if that is a terminal; told of parameters as they are done."""
    console = rich.console.Console(file=sys.stderr)
    with rich.progress.Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=parameters)
        yield lambda done: bar.advance(task, done)


if __name__ == "__main__":
    enter("convert", main)
