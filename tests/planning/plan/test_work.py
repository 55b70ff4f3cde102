"""Operations of a step, against counts by hand."""

import dataclasses
from typing import Any

import pytest

from tanuki_jax.config.experiment import Activation, Experiment, Layout, NextToken, Objective, Preference
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.registry import experiment
from tanuki_jax.planning.plan.work import issued, model_flops


def with_layout(name: str, **layout: Any) -> Experiment:
    return dataclasses.replace(experiment.find(name), layout=Layout(**layout))


def test_tiny_has_the_flops_of_a_count_by_hand() -> None:
    """`tiny`: D 128, F 384, 4 heads of 32, 2 key heads, 4 layers, V 2048, T 256, 16 rows."""
    tokens = 16 * 256
    q, kv, o = 2 * 128 * 4 * 32, 2 * (2 * 128 * 2 * 32), 2 * 4 * 32 * 128
    mlp = 3 * (2 * 128 * 384)
    output = 2 * 128 * 2048
    attention = 4 * 4 * 32 * 257 // 2  # two products over (T + 1) / 2 keys on average, for each of 4 x 32
    assert model_flops(experiment.find("tiny")) == tokens * 3 * (4 * (q + kv + o + mlp + attention) + output)

    kept = issued(with_layout("tiny", remat="none"), "hopper")
    assert kept.matmul == tokens * 3 * 4 * (q + kv + o + mlp)
    assert kept.attention == tokens * 4 * 7 * 4 * 32 * 257  # two products forward, five backward
    assert kept.grouped_matmul == 0
    assert kept.cross_entropy == tokens * 4 * output  # logits, logits again, and two gradients


def test_tiny_moe_has_the_flops_of_a_count_by_hand() -> None:
    """`tiny_moe` is `tiny` with a router over 8 experts, 2 for each token."""
    tokens = 16 * 256
    q, kv, o, router = 2 * 128 * 4 * 32, 2 * (2 * 128 * 2 * 32), 2 * 4 * 32 * 128, 2 * 128 * 8
    expert = 3 * (2 * 128 * 384)
    output = 2 * 128 * 2048
    attention = 4 * 4 * 32 * 257 // 2
    assert model_flops(experiment.find("tiny_moe")) == tokens * 3 * (
        4 * (q + kv + o + router + 2 * expert + attention) + output
    )

    kept = issued(with_layout("tiny_moe", remat="none"), "hopper")
    assert kept.matmul == tokens * 3 * 4 * (q + kv + o + router)
    assert kept.grouped_matmul == tokens * 3 * 4 * 2 * expert


@pytest.mark.parametrize(
    ("remat", "save", "again", "forwards"),
    [
        ("dots", (), 0, 1),
        ("attention", (), 65_536 + 32_768 + 2 * 98_304, 1),  # queries, keys, values; output; gate and up, but not down
        ("full", (), 65_536 + 32_768 + 2 * 98_304, 2),
        ("full", ("qkv",), 32_768 + 2 * 98_304, 2),
        ("full", ("hidden",), 65_536 + 32_768, 2),
        ("full", ("attention", "middle"), 65_536 + 2 * 98_304, 1),
    ],
)
def test_recomputation_of_a_policy_is_issued(
    remat: str, save: tuple[Activation, ...], again: int, forwards: int
) -> None:
    tokens, layers = 16 * 256, 4
    kept, work = (
        issued(with_layout("tiny", **layout), "hopper")
        for layout in ({"remat": "none"}, {"remat": remat, "save": save})
    )
    assert work.matmul - kept.matmul == tokens * layers * again
    assert work.attention == tokens * layers * (2 * forwards + 5) * 4 * 32 * 257
    assert work.cross_entropy == kept.cross_entropy


def test_experts_recompute_all_three_products() -> None:
    """The gradient of the choices' weights needs the last product."""
    kept, work = (issued(with_layout("tiny_moe", remat=remat), "hopper") for remat in ("none", "full"))
    assert work.grouped_matmul * 3 == kept.grouped_matmul * 4


def adapted(objective: Objective, **layout: Any) -> Experiment:
    """Return `tiny` with adapters of rank 3 on `q` and `down`."""
    lora = LoRA(rank=3, projections=("q", "down"))
    return dataclasses.replace(with_layout("tiny", **layout), lora=lora, objective=objective)


@pytest.mark.parametrize(
    ("remat", "again", "forwards"),
    # Of `down`, only the product with its A is recomputed, for the gradient of its B.
    [("none", 0, 1), ("full", 65_536 + 32_768 + 2 * 98_304 + 3 * 512 + 2 * 3 * 384, 2)],
)
def test_frozen_weights_have_no_gradients_but_their_adapters_do(remat: str, again: int, forwards: int) -> None:
    tokens, layers = 16 * 256, 4
    weights = 65_536 + 32_768 + 3 * 98_304  # q, k, v; o; gate, up, down
    adapters = 2 * 3 * (128 + 128) + 2 * 3 * (384 + 128)
    work = issued(adapted(NextToken(), remat=remat), "hopper")
    assert work.matmul == tokens * layers * (2 * weights + 3 * adapters + again)
    assert work.attention == tokens * layers * (2 * forwards + 5) * 4 * 32 * 257
    assert work.cross_entropy == tokens * 3 * 2 * 128 * 2048  # logits, logits again, and the states' gradient


def test_a_reference_is_one_more_forward_pass_without_adapters() -> None:
    alone, both = (issued(adapted(objective, remat="full"), "hopper") for objective in (NextToken(), Preference()))
    tokens = 16 * 256
    assert both.matmul - alone.matmul == tokens * 4 * (65_536 + 32_768 + 3 * 98_304)
    assert both.attention - alone.attention == tokens * 4 * 2 * 4 * 32 * 257
    assert both.cross_entropy - alone.cross_entropy == tokens * 2 * 128 * 2048
    assert issued(adapted(Preference(loss="simpo"), remat="full"), "hopper") == alone, "a loss without a reference"
    assert issued(adapted(Preference(reference="stored"), remat="full"), "hopper") == alone, (
        "a reference that was computed before"
    )


def test_adapters_of_experts_are_counted_with_the_experts() -> None:
    lora = LoRA(rank=3, projections=("q", "expert_gate"))
    work = issued(dataclasses.replace(with_layout("tiny_moe", remat="none"), lora=lora), "hopper")
    assert work.grouped_matmul == 16 * 256 * 4 * 2 * (2 * 3 * 98_304 + 3 * 2 * 3 * (128 + 384))


def test_attention_in_plain_jax_computes_the_full_square() -> None:
    kernel, plain = (issued(experiment.find("tiny"), backend) for backend in ("hopper", "chunked"))
    assert plain.attention * 257 == kernel.attention * 512
    assert plain.matmul == kernel.matmul


def test_idle_rounds_of_a_pipeline_are_issued_in_its_layers() -> None:
    """Two stages and four micro-batches take five rounds instead of four."""
    alone, staged = (
        issued(with_layout("tiny", **layout), "hopper") for layout in ({}, {"stage": 2, "microbatches": 4})
    )
    assert staged.matmul * 4 == alone.matmul * 5
    assert staged.attention * 4 == alone.attention * 5
    assert staged.cross_entropy == alone.cross_entropy
