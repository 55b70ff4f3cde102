"""Logits and greedy text, against transformers' MixtralForCausalLM; the standardized router, against PyTorch."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import transformers

from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.experts import Choices, Experts, mixture
from tests.lm.model.test_transformer_parity import (
    assert_same_greedy_text,
    assert_same_logits,
    ours,
    random_shape,
    randomised,
)

pytestmark = pytest.mark.parity


def random_mixtral(
    seed: int, experts: int, chosen: int, spread: float, **shape: Any
) -> transformers.MixtralForCausalLM:
    fields = random_shape(seed, theta=10_000.0, **shape)
    fields["intermediate_size"] -= (
        fields["intermediate_size"] % 4
    )  # PyTorch's grouped products want rows of whole 16 bytes
    config = transformers.MixtralConfig(num_local_experts=experts, num_experts_per_tok=chosen, **fields)
    return randomised(transformers.MixtralForCausalLM(config), seed, spread)


@pytest.mark.parametrize(("grouped", "tied"), [(True, False), (False, True)], ids=["grouped, untied", "plain, tied"])
@pytest.mark.parametrize("chosen", [1, 2, 3])
@pytest.mark.parametrize("experts", [4, 8])
def test_logits_equal_those_of_transformers(
    experts: int, chosen: int, grouped: bool, tied: bool, tmp_path: Path
) -> None:
    seed = 2 * (experts + chosen) + grouped
    mixtral = random_mixtral(seed, experts, chosen, 0.1, grouped=grouped, tied=tied)
    model, params = ours(mixtral, tmp_path, Layout(data=1))
    assert (model.experts, model.experts_per_token, model.router_logits) == (experts, chosen, "plain")
    assert (model.kv_heads < model.heads, model.tied) == (grouped, tied)
    assert_same_logits(mixtral, model, params, Layout(data=1), seed)


@pytest.mark.parametrize("grouped", [True, False], ids=["grouped", "plain"])
def test_128_greedy_tokens_equal_those_of_transformers(grouped: bool, tmp_path: Path) -> None:
    mixtral = random_mixtral(5, 8, 2, 0.2, grouped=grouped, tied=False)
    assert_same_greedy_text(mixtral, *ours(mixtral, tmp_path, Layout(data=1)))


def of_experts(x_td: torch.Tensor, router_de: torch.Tensor, chosen: int) -> torch.Tensor:
    """Return the weight of each expert [T, E], 0 for those that are not chosen."""
    logits = x_td @ router_de
    probabilities = torch.softmax(
        (logits - logits.mean(-1, keepdim=True)) / (logits.std(-1, unbiased=True, keepdim=True) + 1e-5), -1
    )
    weights, experts = probabilities.topk(chosen)
    return torch.zeros_like(logits).scatter(-1, experts, weights / weights.sum(-1, keepdim=True))


@pytest.mark.parametrize("scale", [1e-5, 0.1, 10.0], ids=["small logits", "usual logits", "large logits"])
@pytest.mark.parametrize("chosen", [2, 3])
@pytest.mark.parametrize("experts", [4, 8])
def test_the_standardized_router_equals_a_direct_computation(experts: int, chosen: int, scale: float) -> None:
    random = np.random.default_rng(experts + chosen)
    x = random.standard_normal((200, 16)).astype(np.float32)
    router = (scale * random.standard_normal((16, experts))).astype(np.float32)
    cotangent = random.standard_normal((200, experts)).astype(np.float32)
    shape = Model(vocabulary=8, width=16, hidden=4, layers=1, heads=1, kv_heads=1)
    model = dataclasses.replace(shape, experts=experts, experts_per_token=chosen, router_logits="standardized")

    def weights_of(x_btd: jax.Array, choices: Choices, experts_edf: Experts) -> tuple[jax.Array, jax.Array]:
        """Return a dispatch that gives the weight of each expert."""
        return (jax.nn.one_hot(choices.experts_btk, experts) * choices.weights_btk[..., None]).sum(2), jnp.zeros(())

    def compute(x: jax.Array, router: jax.Array) -> jax.Array:
        nothing = Experts(*(jnp.zeros(0),) * 3)
        return mixture(x[None], jnp.ones((1, len(x)), jnp.int32), router, nothing, model, weights_of)[0][0]

    found, backward = jax.vjp(compute, jnp.asarray(x), jnp.asarray(router))
    leaves = [torch.from_numpy(leaf).requires_grad_() for leaf in (x, router)]
    expected = of_experts(leaves[0], leaves[1], chosen)
    expected.backward(torch.from_numpy(cotangent))
    assert np.array_equal(np.asarray(found) > 0, expected.detach().numpy() > 0)
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    for gradient, leaf in zip(backward(jnp.asarray(cotangent)), leaves, strict=True):
        assert leaf.grad is not None
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-3, atol=1e-4 * float(leaf.grad.abs().max()))
