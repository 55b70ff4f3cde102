"""The subcommands of `python -m tanuki_jax.convert`."""

import sys
from pathlib import Path

import jax

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.checkpoints import merging as adapters
from tanuki_jax.checkpoints import new_tokens, peft
from tanuki_jax.checkpoints import upcycling as upcycle
from tanuki_jax.checkpoints.convert_options import (
    Adapters,
    AddTokens,
    CompareTokenizer,
    ExpertOptions,
    FromHuggingFace,
    FromPeft,
    Merge,
    ToHuggingFace,
    ToPeft,
    Upcycle,
)
from tanuki_jax.checkpoints.format import STATE, find, read_state
from tanuki_jax.checkpoints.hugging_face import export_model as to_hugging_face
from tanuki_jax.checkpoints.hugging_face import import_model as from_hugging_face
from tanuki_jax.checkpoints.hugging_face import tokenizer_files
from tanuki_jax.checkpoints.hugging_face.configuration import read_configuration
from tanuki_jax.checkpoints.hugging_face.families import family_of
from tanuki_jax.checkpoints.tokenizer_copy import TOKENIZER
from tanuki_jax.config import registry
from tanuki_jax.lm.model.weights import count_active_parameters, count_parameters

type Options = (
    ToHuggingFace | FromHuggingFace | Upcycle | Merge | Adapters | AddTokens | ToPeft | FromPeft | CompareTokenizer
)


def run(options: Options) -> None:
    """Run a subcommand on the CPU, because a training run may be using the accelerator."""
    jax.config.update("jax_platforms", "cpu")
    if not isinstance(options, CompareTokenizer):
        _refuse_change_of_a_checkpoint(Path(options.out))
    match options:
        case ToHuggingFace():
            to_hf(options)
        case FromHuggingFace():
            from_hf(options)
        case Upcycle():
            upcycle_dense(options)
        case Merge():
            merge(options)
        case Adapters():
            combine(options)
        case AddTokens():
            add_tokens(options)
        case ToPeft():
            to_peft(options)
        case FromPeft():
            from_peft(options)
        case CompareTokenizer():
            tokenizer(options)


def _refuse_change_of_a_checkpoint(out: Path) -> None:
    """Raise InputError if a new folder would lie in a checkpoint, which would no longer be what was saved."""
    for folder in out.resolve().parents:
        if (folder / STATE).is_file():
            raise InputError(f"{out} would lie in the checkpoint {folder}, and damage it; name a folder elsewhere")


def to_hf(options: ToHuggingFace) -> None:
    checkpoint = find(options.checkpoint)
    model = read_state(checkpoint).model
    parameters = count_parameters(model)
    dtype = "" if options.dtype == "as-stored" else options.dtype
    with progress("writing tensors", parameters, "parameter") as advance:
        written = to_hugging_face.write(checkpoint, Path(options.out), dtype, advance, adapter=options.adapter)
    print(
        f"{options.out}: {parameters:,} parameters of {checkpoint} in {written.dtype}, {written.files} "
        f"file{'s'[: written.files > 1]}"
    )
    print(
        f"max_position_embeddings {written.positions}; {'with the tokenizer' if written.tokenizer else 'no tokenizer'}"
    )
    if family_of(model).code is not None:
        print(
            "transformers loads it with trust_remote_code=True; plain Mixtral runtimes, such as GGUF tools, do not "
            "standardize router logits, and would give wrong outputs",
            file=sys.stderr,
        )


def to_peft(options: ToPeft) -> None:
    checkpoint = find(options.checkpoint)
    name, of = peft.write(checkpoint, Path(options.out), options.adapter, options.base)
    print(f"{options.out}: the adapter {name} of {checkpoint}, rank {of.rank}, of {', '.join(of.projections)}")
    if not options.base:
        base = read_state(checkpoint).base
        print(
            f"it names no base model: write that with `convert to-hf {base} FOLDER`, and give the folder to PEFT, or "
            "to --base here",
            file=sys.stderr,
        )
    if of.quantized:
        print(
            f"it was trained with base weights in {of.base}; with other base weights its outputs differ slightly",
            file=sys.stderr,
        )


def from_peft(options: FromPeft) -> None:
    base = find(options.base)
    of = peft.read(Path(options.folder), base, Path(options.out), options.name)
    print(f"{options.out}: a checkpoint with the adapter {options.name}, rank {of.rank}, for the parameters of {base}")


def merge(options: Merge) -> None:
    checkpoint = find(options.checkpoint)
    with progress("writing", count_parameters(read_state(checkpoint).model), "parameter") as advance:
        lost = adapters.merge(checkpoint, Path(options.out), options.adapter, options.dtype, advance)
    print(f"{options.out}: the parameters of {checkpoint} with its adapter merged, in {options.dtype}")
    print(f"error of rounding to {options.dtype}: {lost:.2%} of the adapter's change (norms of the differences)")


def combine(options: Adapters) -> None:
    names = adapters.combine([find(source) for source in options.source], Path(options.out), options.names)
    print(
        f"{options.out}: a checkpoint with the adapters {', '.join(names)}; choose one with `generate --adapter NAME`"
    )


def add_tokens(options: AddTokens) -> None:
    checkpoint, out = find(options.checkpoint), options.out
    before = read_state(checkpoint).model
    with progress("writing", count_parameters(before), "parameter") as advance:
        model, ids = new_tokens.write(checkpoint, Path(out), options.tokens, advance, options.chat_template)
    print(
        f"{out}: the parameters of {checkpoint} with the tokens {', '.join(f'{name} {id}' for name, id in ids.items())}"
    )
    go_on = (
        f"prepare and train with --start.checkpoint={out} --data.tokenizer.path={out}/{TOKENIZER} "
        "--data.tokenizer.chat-template= --data.stores=NEW_FOLDER"
    )
    if model.vocabulary == before.vocabulary:
        print(f"model.vocabulary stays {model.vocabulary}: there were rows without a token")
        print(go_on)
    else:
        print(f"model.vocabulary grew from {before.vocabulary} to {model.vocabulary}")
        print(f"{go_on} --model.vocabulary={model.vocabulary}")


def from_hf(options: FromHuggingFace) -> None:
    folder = Path(options.folder)
    parameters = count_parameters(read_configuration(folder).model)
    with progress("writing", parameters, "parameter") as advance:
        state = from_hugging_face.write(folder, Path(options.out), advance)
    print(
        f"{options.out}: a checkpoint of {parameters:,} parameters, "
        f"{'with the tokenizer' if state.tokenizer else 'without a tokenizer'}"
    )
    print(f"start training from it with --start.checkpoint={options.out}")


def upcycle_dense(options: Upcycle) -> None:
    experiment = registry.experiment.find(options.to)
    source, dense = upcycle.write(Path(options.source), Path(options.out), experiment, options, progress)
    model, start = experiment.model, f"--start.checkpoint={options.out}"
    print(
        f"{options.out}: {count_parameters(model):,} parameters, {count_active_parameters(model):,} of them active "
        "for each token"
    )
    print(f"each layer of {source} became {model.experts} experts: {_describe(options)}; the routers are fresh")
    for field in ("rope_theta", "norm_epsilon"):
        if (had := getattr(dense, field)) != (has := getattr(model, field)):
            print(
                f"{field} changed from {had:g} to {has:g}, the value of {options.to}: expect a higher loss at the start"
            )
    if options.optimizer == "copied":
        start += " --start.load=parameters_and_optimizer"
    print(f"start training from it with {start}")


def _describe(options: ExpertOptions) -> str:
    """Return the difference between the experts in words."""
    if options.initialisation == "drop":
        return f"copies with {options.share:g} of the hidden units redrawn"
    if options.initialisation == "sparse":
        return "equal copies"
    scale = " times that of each matrix" if options.noise_scale == "relative" else ""
    return f"copies plus noise of standard deviation {options.noise:g}{scale}"


def tokenizer(options: CompareTokenizer) -> None:
    with progress("comparing the tokenizers", None):
        comparison = tokenizer_files.compare(Path(options.folder), options.texts)
    print(
        f"{comparison.different} of {comparison.total} lines ({comparison.rate:.3%}) encode differently in "
        "SentencePiece and tokenizer.json"
    )
    print(
        f"decoding does not restore {comparison.lost} of them" if comparison.lost else "decoding restores all of them"
    )
    for example in comparison.examples:
        print(f"  {example!r}")
