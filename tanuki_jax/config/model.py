"""The shape of a model."""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """Shape of a Llama (Touvron et al. 2023; grouped-query attention of Ainslie et al. 2023), or of a mixture of experts like it
    (Jiang et al. 2024)."""

    vocabulary: int
    """V, rows of the embedding; at least the tokenizer's pieces, a multiple of 128 for speed."""
    width: int
    """D, size of the residual stream."""
    hidden: int
    """F, size of the SwiGLU's inner layer, in each expert."""
    layers: int
    """L."""
    heads: int
    """H, query heads; the head size is width / heads."""
    kv_heads: int
    """K, key and value heads; divides heads."""
    experts: int = 0
    """E, SwiGLUs in a layer, of which each token goes through some; 0: one, for all tokens."""
    experts_per_token: int = 2
    """How many experts a token goes to; with 1, whose weight is always 1, only the load-balancing loss trains the router."""
    router_logits: Literal["plain", "standardized"] = "plain"
    """What the softmax over experts is taken of: the router's logits, or each token's logits less their mean, over their standard deviation
    (Wei et al. 2024, as in Tanuki-8x8B)."""
    rope_theta: float = 10_000.0
    """Base of the rotary position embedding (Su et al. 2021)."""
    norm_epsilon: float = 1e-5
    """Added to the mean square in RMSNorm."""
    tied: bool = False
    """Whether the output matrix is the embedding, transposed."""
    initial_std: float = 0.02
    """Standard deviation of the initial weights; those that write to the residual stream get initial_std / sqrt(2 L)."""

    @property
    def head_dim(self) -> int:
        """Size of one attention head."""
        return self.width // self.heads
