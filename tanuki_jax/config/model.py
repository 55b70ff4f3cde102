"""Shape of a model, and its groups of layers of one kind."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from tanuki_jax.config.limits import Limits, NonNegativeInt, PositiveFloat, PositiveInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """Rotary frequencies for rows longer than those of pretraining, as in Llama 3.1 (`llama3` of Hugging Face)."""

    factor: Annotated[float, Limits(at_least=1)] = 1.0
    """Number by which low frequencies are divided; 1: no scaling."""
    low_frequency_factor: PositiveFloat = 1.0
    """Frequencies with a wavelength above original_length / low_frequency_factor are divided by `factor`."""
    high_frequency_factor: PositiveFloat = 4.0
    """Frequencies with a wavelength below original_length / high_frequency_factor are kept, those between are
    interpolated."""
    original_length: PositiveInt = 8192
    """Tokens in a row before the scaling."""


@dataclasses.dataclass(frozen=True)
class LayerGroup:
    """Consecutive layers of one kind, stacked in the parameter tree and scanned."""

    number: int
    """Position among the model's groups; -1: the only group."""
    layers: int
    """Number of layers."""
    experts: int
    """Experts of each layer; 0: one SwiGLU."""
    window: int
    """Tokens that a query sees, its own included; 0: all before it."""

    def path(self, name: str) -> str:
        """Return the dotted path of a weight: blocks.NAME in the only group, else blocks.NUMBER.NAME."""
        return f"blocks.{name}" if self.number < 0 else f"blocks.{self.number}.{name}"

    def of(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """Return the group's part of a parameter tree, empty if the tree has none."""
        blocks = tree.get("blocks", {})
        return dict(blocks if self.number < 0 else blocks.get(str(self.number), {}))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """Shape of a Llama (Touvron et al. 2023; grouped-query attention of Ainslie et al. 2023), or of a mixture of
    experts built on it (Jiang et al. 2024)."""

    vocabulary: PositiveInt
    """V, rows of the embedding; at least the tokenizer's pieces, a multiple of 128 for speed."""
    width: PositiveInt
    """D, size of the residual stream."""
    hidden: PositiveInt
    """F, size of the SwiGLU's inner layer, in each expert."""
    layers: PositiveInt
    """L, number of layers."""
    heads: PositiveInt
    """H, query heads."""
    kv_heads: PositiveInt
    """K, key and value heads; divides heads."""
    explicit_head_dim: NonNegativeInt = 0
    """Size of an attention head; 0: width / heads."""
    qk_norm: bool = False
    """Whether queries and keys are normalised per head before rotation (Dehghani et al. 2023; Qwen3)."""
    window: NonNegativeInt = 0
    """Tokens that a query sees, its own included; 0: all before it."""
    global_every: Annotated[int, Limits(at_least=2, or_equal=0)] = 0
    """Every n-th layer sees all tokens despite `window`; 0: no layer does."""
    experts: Annotated[int, Limits(at_least=2, or_equal=0)] = 0
    """E, SwiGLUs in a layer, among which the router chooses for each token; 0: one SwiGLU for all tokens."""
    experts_per_token: PositiveInt = 2
    """Experts that compute each token; with 1, whose weight is always 1, only the load-balancing loss trains the
    router."""
    dense_layers: NonNegativeInt = 0
    """First layers of a mixture of experts that have one SwiGLU instead of experts."""
    router_logits: Literal["plain", "standardized"] = "plain"
    """Input of the softmax over experts: the router's logits; or standardized, each token's logits less their mean,
    over their standard deviation (Wei et al. 2024, as in Tanuki-8x8B)."""
    rope_theta: PositiveFloat = 10_000.0
    """Base of the rotary position embedding (Su et al. 2021)."""
    rope_scaling: RopeScaling = RopeScaling()
    norm_epsilon: PositiveFloat = 1e-5
    """Number added to the mean square in RMSNorm."""
    tied: bool = False
    """Whether the output matrix is the embedding, transposed."""
    initial_std: PositiveFloat = 0.02
    """Standard deviation of initial weights; weights that write to the residual stream get initial_std / sqrt(2 L)."""

    @property
    def head_dim(self) -> int:
        """Return the size of an attention head."""
        return self.explicit_head_dim or self.width // self.heads

    @property
    def groups(self) -> tuple[LayerGroup, ...]:
        """Return the groups of the layers, in order: consecutive layers with as many experts and the same window."""
        kinds = [self._kind(layer) for layer in range(self.layers)]
        runs = [(kind, len(list(run))) for kind, run in itertools.groupby(kinds)]
        return tuple(
            LayerGroup(number=number if len(runs) > 1 else -1, layers=layers, experts=experts, window=window)
            for number, ((experts, window), layers) in enumerate(runs)
        )

    def _kind(self, layer: int) -> tuple[int, int]:
        """Return a layer's number of experts and its window."""
        sees_all = self.global_every > 0 and (layer + 1) % self.global_every == 0
        return 0 if layer < self.dense_layers else self.experts, 0 if sees_all else self.window
