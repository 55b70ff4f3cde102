"""Memory of a step with adapters, part by part, on devices that share it."""

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

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Plan pairs with adapters on `tiny` in int8: D 128, F 384, 4 heads of 32, 2 key heads, 4 layers, V 2048."""
    tiny = experiment.find("tiny")
    start = dataclasses.replace(tiny.start, checkpoint="runs/tiny")
    layout = Layout(data=1, fsdp=4, accumulation=2, compute_dtype="float32")
    lora = LoRA(rank=2, base="int8", projections=("q", "down"))
    return make_plan(
        dataclasses.replace(tiny, lora=lora, objective=Preference(), start=start, layout=layout), parse("cpu:1x4")
    )


def test_frozen_weights_are_separate_from_trained_parameters(plan: Plan) -> None:
    layers, outside, norms = 4 * (128 * (128 + 64 + 64 + 128) + 3 * 128 * 384), 2 * 2048 * 128, 128 * 9
    # Blocks of 64 int8 weights have a float32 scale; scales are split like the weights if no block is cut.
    assert (
        (layers + 2 * outside) / 4 + 2 * norms
        < plan.memory.frozen
        <= (layers + 2 * outside) / 4 + 2 * norms + 4 * layers / 64
    )
    split, replicated = 4 * 2 * (128 + 128), 4 * 2 * (128 + 384)  # A of q and B of down; B of q and A of down
    assert plan.memory.parameters == 4 * (split / 4 + replicated)
    window = 2 * experiment.find("tiny").guard.window
    assert plan.memory.optimizer == 2 * plan.memory.parameters + 4 * (window + 3)
    assert plan.memory.peak == plan.memory.state + plan.memory.activations + plan.memory.temporaries
    assert plan.memory.fits and plan.model_flops < plan.issued_flops


def test_a_reference_pass_keeps_no_inputs_of_layers(plan: Plan) -> None:
    """Each device has 2 of the 8 rows of a micro-batch."""
    assert plan.memory.activations == 4 * 2 * 256 * 128 * 4


def test_a_note_names_what_is_not_counted(plan: Plan) -> None:
    assert any(note.startswith("all tokens are assumed to count in the loss") for note in plan.notes)


def test_two_values_of_4_bits_share_a_byte() -> None:
    assert [array_bytes((4, 6), kind) for kind in (jnp.uint4, jnp.int8, jnp.bfloat16, jnp.float32)] == [12, 24, 48, 96]
