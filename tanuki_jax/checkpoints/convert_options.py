"""What may be asked of each subcommand of `python -m tanuki_jax.convert`."""

import dataclasses
from typing import Annotated, Literal

import tyro


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
    names: tuple[str, ...] = ()
    """Names for their adapters, one for each, where each has one; none: those that they have."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FromHuggingFace:
    """Write a Llama or Mixtral in Hugging Face's format as a checkpoint, from which training starts with --start.checkpoint."""

    folder: tyro.conf.Positional[str]
    """Folder with config.json, safetensors and a tokenizer."""
    out: tyro.conf.Positional[str]
    """Folder to make."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExpertOptions:
    """What experts and routers begin as."""

    initialisation: Literal["noise", "sparse", "drop"] = "noise"
    """How experts differ: by Gaussian noise; not at all (Komatsuzaki et al. 2022); in hidden units drawn anew (Nakamura et al. 2025)."""
    noise: float = 0.001
    """Standard deviation of the noise; without effect on sparse and drop."""
    noise_scale: Literal["absolute", "relative"] = "absolute"
    """What that is: itself, or a multiple of the standard deviation of the matrix that the noise is added to."""
    share: float = 0.5
    """Share of an expert's hidden units drawn anew, with mean and deviation of what they replace; without effect on noise and sparse."""
    optimizer: Literal["fresh", "copied"] = "fresh"
    """Optimizer state: none; or the dense checkpoint's, copied into every expert, with moments of zero for what is drawn anew."""
    seed: int = 0
    """Of routers, noise and units drawn anew."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Upcycle(ExpertOptions):
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
