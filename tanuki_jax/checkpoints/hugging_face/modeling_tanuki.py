"""Tanuki's mixture of experts for transformers: a Mistral with Mixtral's experts, and a router that standardizes its
logits.

`convert to-hf` copies this file beside the weights, from where `from_pretrained(folder, trust_remote_code=True)` runs
it. It is read by transformers alone: nothing here imports it, and it imports nothing from here.
"""

import torch
from torch import nn
from torch.nn import functional
from transformers import MistralForCausalLM, MixtralConfig
from transformers.models.mistral.modeling_mistral import MistralDecoderLayer


class TanukiConfig(MixtralConfig):  # type: ignore[misc]
    """The fields of Mixtral."""

    model_type = "Tanuki"


class Expert(nn.Module):  # type: ignore[misc]
    """A SwiGLU, with Mixtral's names: w1 is the gate, w3 goes up, w2 goes down."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.w1 = nn.Linear(width, hidden, bias=False)
        self.w2 = nn.Linear(hidden, width, bias=False)
        self.w3 = nn.Linear(width, hidden, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.w2(functional.silu(self.w1(x)) * self.w3(x))


class SparseMixture(nn.Module):  # type: ignore[misc]
    """A router, and experts of which each token takes some."""

    def __init__(self, config: TanukiConfig) -> None:
        super().__init__()
        self.experts_per_token = config.num_experts_per_tok
        self.gate = nn.Linear(config.hidden_size, config.num_local_experts, bias=False)
        self.experts = nn.ModuleList(
            Expert(config.hidden_size, config.intermediate_size) for _ in range(config.num_local_experts)
        )

    def route(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights and experts [N, k] of tokens [N, D], in float32: a softmax of logits with mean 0 and standard
        deviation 1."""
        logits = functional.linear(x.float(), self.gate.weight.float())
        deviation, mean = torch.std_mean(logits, dim=-1, keepdim=True)
        probabilities = ((logits - mean) / (deviation + 1e-5)).softmax(-1)
        weights, chosen = probabilities.topk(self.experts_per_token, dim=-1)
        return weights / weights.sum(-1, keepdim=True), chosen

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.reshape(-1, x.shape[-1])
        weights, chosen = self.route(tokens)
        mixed = torch.zeros_like(tokens, dtype=torch.float32)
        for expert in chosen.unique().tolist():
            token, choice = torch.where(chosen == expert)
            mixed.index_add_(0, token, self.experts[expert](tokens[token]).float() * weights[token, choice, None])
        return mixed.to(x.dtype).reshape(x.shape)


class TanukiDecoderLayer(MistralDecoderLayer):  # type: ignore[misc]
    """A layer of Mistral's, with the mixture under the name that it has in the files."""

    def __init__(self, config: TanukiConfig, layer_idx: int) -> None:
        super().__init__(config, layer_idx)
        del self.mlp
        self.block_sparse_moe = SparseMixture(config)

    def mlp(self, x: torch.Tensor) -> torch.Tensor:
        return self.block_sparse_moe(x)


class TanukiForCausalLM(MistralForCausalLM):  # type: ignore[misc]
    """The language model."""

    config_class = TanukiConfig
    _no_split_modules = ("TanukiDecoderLayer",)

    def __init__(self, config: TanukiConfig) -> None:
        super().__init__(config)
        self.model.layers = nn.ModuleList(
            TanukiDecoderLayer(config, layer) for layer in range(config.num_hidden_layers)
        )
        self.post_init()
