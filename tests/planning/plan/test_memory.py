"""What a step of adapters holds, part by part, on devices that share it."""

import dataclasses

import jax.numpy as jnp
import pytest

from tanuki_jax.config.experiment import Layout, Preference
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.registry import experiment
from tanuki_jax.planning.plan.make_plan import make_plan
from tanuki_jax.planning.plan.memory import array_bytes
from tanuki_jax.planning.plan.plan_results import Plan
from tanuki_jax.planning.plan.target import parse


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Of pairs and adapters of `tiny` in 8 bits: D 128, F 384, 4 heads of 32, 2 key heads, 4 layers, V 2048."""
    tiny = experiment.find("tiny")
    start = dataclasses.replace(tiny.start, checkpoint="runs/tiny")
    layout = Layout(data=1, fsdp=4, accumulation=2, compute_dtype="float32")
    lora = LoRA(rank=2, base="int8", projections=("q", "down"))
    return make_plan(
        dataclasses.replace(tiny, lora=lora, objective=Preference(), start=start, layout=layout), parse("cpu:1x4")
    )


def test_frozen_weights_are_apart_from_what_is_trained(plan: Plan) -> None:
    layers, outside, norms = 4 * (128 * (128 + 64 + 64 + 128) + 3 * 128 * 384), 2 * 2048 * 128, 128 * 9
    # Of int8 weights 64 have a scale in float32; those of `k`, `v` and so on are split as the weights are, if no block would be cut.
    assert (
        (layers + 2 * outside) / 4 + 2 * norms
        < plan.memory.frozen
        <= (layers + 2 * outside) / 4 + 2 * norms + 4 * layers / 64
    )
    split, whole = 4 * 2 * (128 + 128), 4 * 2 * (128 + 384)  # A of q and B of down; B of q and A of down
    assert plan.memory.parameters == 4 * (split / 4 + whole)
    window = 2 * experiment.find("tiny").guard.window
    assert plan.memory.optimizer == 2 * plan.memory.parameters + 4 * (window + 3)
    assert plan.memory.peak == plan.memory.state + plan.memory.activations + plan.memory.temporaries
    assert plan.memory.fits and plan.model_flops < plan.issued_flops


def test_inputs_of_layers_are_kept_once_although_the_reference_passes_them_too(plan: Plan) -> None:
    """2 rows of a micro-batch of 8 on each device."""
    assert plan.memory.activations == 4 * 2 * 256 * 128 * 4


def test_what_is_not_counted_is_said(plan: Plan) -> None:
    assert any(note.startswith("every token is taken to count in the loss") for note in plan.notes)


def test_two_values_of_4_bits_share_a_byte() -> None:
    assert [array_bytes((4, 6), kind) for kind in (jnp.uint4, jnp.int8, jnp.bfloat16, jnp.float32)] == [12, 24, 48, 96]
