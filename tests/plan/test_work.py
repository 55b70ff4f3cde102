"""Operations of a step against counts by hand, spelled out."""

import dataclasses
from typing import Any

import pytest

from tanuki_jax.config.experiment import Activation, Experiment, Layout
from tanuki_jax.config.registry import experiment
from tanuki_jax.plan.work import issued, model_flops


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
    """As `tiny`, with a router over 8 experts of which a token goes to 2."""
    tokens = 16 * 256
    q, kv, o, router = 2 * 128 * 4 * 32, 2 * (2 * 128 * 2 * 32), 2 * 4 * 32 * 128, 2 * 128 * 8
    expert = 3 * (2 * 128 * 384)
    output = 2 * 128 * 2048
    attention = 4 * 4 * 32 * 257 // 2
    assert model_flops(experiment.find("tiny_moe")) == tokens * 3 * (4 * (q + kv + o + router + 2 * expert + attention) + output)

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
def test_what_a_policy_computes_again_is_issued(remat: str, save: tuple[Activation, ...], again: int, forwards: int) -> None:
    tokens, layers = 16 * 256, 4
    kept, work = (issued(with_layout("tiny", **layout), "hopper") for layout in ({"remat": "none"}, {"remat": remat, "save": save}))
    assert work.matmul - kept.matmul == tokens * layers * again
    assert work.attention == tokens * layers * (2 * forwards + 5) * 4 * 32 * 257
    assert work.cross_entropy == kept.cross_entropy


def test_experts_compute_all_three_products_again_since_the_weights_of_choices_need_the_last() -> None:
    kept, work = (issued(with_layout("tiny_moe", remat=remat), "hopper") for remat in ("none", "full"))
    assert work.grouped_matmul * 3 == kept.grouped_matmul * 4


def test_attention_in_plain_jax_computes_the_whole_square() -> None:
    kernel, plain = (issued(experiment.find("tiny"), backend) for backend in ("hopper", "chunked"))
    assert plain.attention * 257 == kernel.attention * 512
    assert plain.matmul == kernel.matmul


def test_idle_rounds_of_a_pipeline_are_issued_in_its_layers() -> None:
    """Two stages and four micro-batches: five rounds for four."""
    alone, staged = (issued(with_layout("tiny", **layout), "hopper") for layout in ({}, {"stage": 2, "microbatches": 4}))
    assert staged.matmul * 4 == alone.matmul * 5
    assert staged.attention * 4 == alone.attention * 5
    assert staged.cross_entropy == alone.cross_entropy
