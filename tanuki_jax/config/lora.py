"""Low-rank adapters of a model's weights."""

import dataclasses
import math
import re
from typing import Literal

from tanuki_jax.config.limits import NonNegativeInt, PositiveFloat, Share

Projection = Literal["q", "k", "v", "o", "gate", "up", "down", "expert_gate", "expert_up", "expert_down"]
"""A layer's weights that may have an adapter."""

DENSE: tuple[Projection, ...] = ("q", "k", "v", "o", "gate", "up", "down")
"""All of them in a layer without experts."""


ADAPTER_NAME = re.compile(r"(?!none$)[\w-]+", re.ASCII)
"""What an adapter may be called; `none` stands for the model without one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoRA:
    """Low-rank adaptation (Hu et al. 2022): a weight W counts as W + scale A B, of which only A and B are trained."""

    rank: NonNegativeInt = 0
    """r, columns of A; 0: there is no adapter, and all parameters are trained."""
    alpha: PositiveFloat = 16.0
    """The scale is alpha / rank."""
    rslora: bool = False
    """Whether the scale is alpha / sqrt(rank) instead (rsLoRA, Kalajdzievski 2023)."""
    dora: bool = False
    """Whether each column's norm is trained apart from its direction (DoRA, Liu et al. 2024)."""
    dropout: Share = 0.0
    """Share of the inputs of A that a step leaves out."""
    loraplus_ratio: PositiveFloat = 1.0
    """Learning rate of B over that of A (LoRA+, Hayou et al. 2024)."""
    projections: tuple[Projection, ...] = DENSE
    """Weights that are adapted, in every layer; those of experts have an adapter for each expert."""
    base: Literal["bfloat16", "float32", "int8", "nf4"] = "bfloat16"
    """Type in which the frozen weights are kept; `int8` and `nf4` are for the layers' projections (QLoRA, Dettmers et al. 2023)."""
    name: str = "default"
    """Of the adapter, in checkpoints."""

    @property
    def quantized(self) -> bool:
        """Whether frozen projections are kept in 8 or 4 bits."""
        return self.base in ("int8", "nf4")

    @property
    def base_dtype(self) -> str:
        """Type of the frozen weights before some of them are quantized."""
        return "bfloat16" if self.quantized else self.base

    @property
    def scale(self) -> float:
        """What A B is multiplied with."""
        return self.alpha / (math.sqrt(self.rank) if self.rslora else self.rank)
