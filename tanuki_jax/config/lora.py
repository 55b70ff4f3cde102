"""Low-rank adapters of a model's weights."""

import dataclasses
import math
import re
from typing import Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import NonNegativeInt, PositiveFloat, Share

Projection = Literal[
    "q", "k", "v", "o", "gate", "up", "down", "expert_gate", "expert_up", "expert_down", "embedding", "output"
]
"""Weights that may have an adapter: those of the layers, the embedding and the output matrix."""

DENSE: tuple[Projection, ...] = ("q", "k", "v", "o", "gate", "up", "down")
"""All projections of a layer without experts."""

OUTSIDE: tuple[Projection, ...] = ("embedding", "output")
"""Projections outside the layers."""

NO_ADAPTER = "none"
"""Name that stands for the model without an adapter."""


def check_adapter_name(name: str) -> None:
    """Raise InputError if an adapter cannot have this name."""
    if not re.fullmatch(r"[\w-]+", name, re.ASCII) or name == NO_ADAPTER:
        raise InputError(
            f"{name!r:.80} cannot be an adapter's name, which is of letters, digits, - and _, and not {NO_ADAPTER!r}"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoRA:
    """Low-rank adaptation (Hu et al. 2022): a weight W is replaced by W + scale A B, of which only A and B are
    trained."""

    rank: NonNegativeInt = 0
    """r, columns of A; 0: no adapter, all parameters are trained."""
    alpha: PositiveFloat = 16.0
    """Numerator of the scale, which is alpha / rank."""
    rslora: bool = False
    """Whether the scale is alpha / sqrt(rank) instead (rsLoRA, Kalajdzievski 2023)."""
    dora: bool = False
    """Whether each column's norm is trained apart from its direction (DoRA, Liu et al. 2024)."""
    dropout: Share = 0.0
    """Share of the inputs of A that are dropped in a step; the embedding drops nothing."""
    loraplus_ratio: PositiveFloat = 1.0
    """Learning rate of B over that of A (LoRA+, Hayou et al. 2024)."""
    projections: tuple[Projection, ...] = DENSE
    """Weights with an adapter, in every layer; weights of experts have an adapter for each expert. embedding and output
    are outside the layers."""
    base: Literal["bfloat16", "float32", "int8", "nf4"] = "bfloat16"
    """Type in which the frozen weights are stored; `int8` and `nf4` quantize the layers' projections (QLoRA, Dettmers
    et al. 2023)."""
    name: str = "default"
    """Name of the adapter in checkpoints."""

    @property
    def quantized(self) -> bool:
        """Whether frozen projections are stored in 8 or 4 bits."""
        return self.base in ("int8", "nf4")

    @property
    def base_dtype(self) -> str:
        """Return the type of the frozen weights before quantization."""
        return "bfloat16" if self.quantized else self.base

    @property
    def scale(self) -> float:
        """Return the factor of A B."""
        return self.alpha / (math.sqrt(self.rank) if self.rslora else self.rank)


def check_outside(lora: LoRA, tied: bool) -> None:
    """Raise InputError if there is no such adapter of the embedding or the output matrix."""
    names = ", ".join(name for name in lora.projections if name in OUTSIDE)
    if names and tied:
        raise InputError(
            f"lora.projections names {names}, and with model.tied one matrix is both embedding and output, which "
            "cannot have an adapter; leave them out"
        )
    if names and lora.dora:
        raise InputError(
            f"lora.dora is not for adapters of {names}; leave them out of lora.projections, or set lora.dora to False"
        )
