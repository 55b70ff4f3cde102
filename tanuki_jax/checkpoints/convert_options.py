"""Options of the subcommands of `python -m tanuki_jax.convert`."""

import dataclasses
from typing import Annotated, Literal

import tyro

from tanuki_jax.config.limits import Limits, NonNegativeFloat, Seed


@dataclasses.dataclass(frozen=True, kw_only=True)
class ToHuggingFace:
    """Write a checkpoint as a folder that transformers loads: safetensors, config.json and the tokenizer."""

    checkpoint: tyro.conf.Positional[str]
    """Checkpoint, or run folder for its newest good checkpoint."""
    out: tyro.conf.Positional[str]
    """New folder."""
    dtype: Literal["as-stored", "bfloat16", "float32"] = "as-stored"
    """Type of the tensors."""
    adapter: str = ""
    """Name of the adapter to merge, if the checkpoint has several; none: export the model without its adapter."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ToPeft:
    """Write an adapter of a checkpoint as a folder that PEFT loads."""

    checkpoint: tyro.conf.Positional[str]
    """Checkpoint, or run folder for its newest good checkpoint."""
    out: tyro.conf.Positional[str]
    """New folder."""
    adapter: str = ""
    """Name of the adapter, if the checkpoint has several."""
    base: str = ""
    """Folder or name of the base model, which PEFT loads first (base_model_name_or_path)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FromPeft:
    """Write a LoRA adapter in PEFT's format as a checkpoint over another one's parameters."""

    folder: tyro.conf.Positional[str]
    """Folder with adapter_config.json and adapter_model.safetensors."""
    out: tyro.conf.Positional[str]
    """New folder."""
    base: str
    """Checkpoint of the model that it adapts, or run folder for its newest good checkpoint."""
    name: str = "default"
    """Name of the adapter in the checkpoint."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Merge:
    """Write a checkpoint with an adapter merged into its parameters."""

    checkpoint: tyro.conf.Positional[str]
    """Checkpoint with adapters, or run folder for its newest good checkpoint."""
    out: tyro.conf.Positional[str]
    """New folder."""
    adapter: str = ""
    """Name of the adapter, if the checkpoint has several."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of the parameters."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Adapters:
    """Write one checkpoint with the adapters of several; all must adapt the same parameters."""

    out: tyro.conf.Positional[str]
    """New folder."""
    source: Annotated[tuple[str, ...], tyro.conf.arg(name="from")]
    """Checkpoints, or run folders for their newest good checkpoints."""
    names: tuple[str, ...] = ()
    """New names, one for each checkpoint, if each has a single adapter; none: keep their names."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AddTokens:
    """Write a checkpoint with further special tokens, whose rows are the mean of all others."""

    checkpoint: tyro.conf.Positional[str]
    """Checkpoint without adapters, or run folder for its newest good checkpoint."""
    out: tyro.conf.Positional[str]
    """New folder."""
    tokens: tuple[str, ...]
    """Names of the tokens, which get the next free ids."""
    chat_template: str = ""
    """Name of a template of `tanuki_jax.corpus.chat` or a .jinja file; empty: the tokenizer's own, if it has one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FromHuggingFace:
    """Write a model in Hugging Face's format as a checkpoint, from which training starts with --start.checkpoint."""

    folder: tyro.conf.Positional[str]
    """Folder with config.json, safetensors and a tokenizer."""
    out: tyro.conf.Positional[str]
    """New folder."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExpertOptions:
    """Initialisation of experts and routers."""

    initialisation: Literal["noise", "sparse", "drop"] = "noise"
    """Difference between the experts: noise, Gaussian noise; sparse, none (Komatsuzaki et al. 2022); drop, redrawn
    hidden units (Nakamura et al. 2025)."""
    noise: NonNegativeFloat = 0.001
    """Standard deviation of the noise; without effect on sparse and drop."""
    noise_scale: Literal["absolute", "relative"] = "absolute"
    """Unit of the noise: absolute; or relative to the standard deviation of the matrix that it is added to."""
    share: Annotated[float, Limits(at_least=0, at_most=1)] = 0.5
    """Share of an expert's hidden units that drop redraws, with mean and deviation of the old ones; without effect on
    noise and sparse."""
    optimizer: Literal["fresh", "copied"] = "fresh"
    """Optimizer state: fresh, none; copied, the dense checkpoint's for every expert, with zero moments for redrawn
    units."""
    seed: Seed = 0
    """Seed of routers, noise and redrawn units."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Upcycle(ExpertOptions):
    """Grow a dense model into a mixture of experts, as a checkpoint to start training from with --start.checkpoint."""

    out: tyro.conf.Positional[str]
    """New folder."""
    source: Annotated[str, tyro.conf.arg(name="from")]
    """Checkpoint, run folder for its newest good checkpoint, or a model folder of Hugging Face's."""
    to: str
    """Registered experiment with the new model, or file.py:name."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareTokenizer:
    """Print how often SentencePiece and the tokenizer.json made from it encode a line of text differently."""

    folder: tyro.conf.Positional[str]
    """Folder with tokenizer.model; tokenizer.json is made for the comparison if it is missing."""
    texts: tuple[str, ...] = ()
    """Files or globs of documents with the lines to compare; none: 5,000 lines of code and Japanese."""
