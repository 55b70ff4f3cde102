"""Estimates of memory and time, against counts by hand."""

import dataclasses
import math
from typing import Any, Literal

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment, Layout, Preference
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.registry import experiment
from tanuki_jax.lm.model.weights import count_parameters
from tanuki_jax.planning.plan.estimate import estimate, exchanges, state_bytes
from tanuki_jax.planning.plan.target import parse

TARGET = parse("h100:3x8")
GIB = 2**30


def laid_out(**layout: Any) -> Experiment:
    """Return the 8B with another layout."""
    return dataclasses.replace(experiment.find("8b"), layout=Layout(**layout))


def seconds(**layout: Any) -> float:
    config = laid_out(**layout)
    return estimate(config, TARGET, state_bytes(config)).seconds


def test_the_state_follows_the_sharding_rules() -> None:
    config = laid_out(data=3, fsdp=4, tensor=2, accumulation=16)
    model = config.model
    norms = model.width * (2 * model.layers + 1)  # replicated on every device
    held = (count_parameters(model) - norms) // 8 + norms
    state = state_bytes(config)
    assert (state.parameters, state.gradients) == (4 * held, 4 * held)
    assert state.optimizer == 8 * held + 4  # two moments, and a counter
    assert state.gathered == 2 * ((count_parameters(model) - norms) // 2 + norms)


def test_a_mesh_that_does_not_divide_a_parameter_has_no_state() -> None:
    with pytest.raises(InputError, match="mesh axis fsdp of size 24 does not divide"):
        state_bytes(laid_out(data=1, fsdp=24))


@pytest.mark.parametrize(
    ("base", "byte"), [("bfloat16", 2), ("float32", 4), ("int8", 1 + 4 / 64), ("nf4", 1 / 2 + 4 / 64)]
)
def test_the_state_of_adapters_has_frozen_weights(
    base: Literal["bfloat16", "float32", "int8", "nf4"], byte: float
) -> None:
    """Blocks of 64 quantized weights have a float32 scale; embedding, output matrix and norms stay in bfloat16."""
    lora = LoRA(rank=16, base=base)
    config = dataclasses.replace(laid_out(data=6, fsdp=4, accumulation=16), lora=lora)
    model, adapters = config.model, 32 * 16 * (8192 + 2 * 5120 + 8192 + 3 * 18_432)
    layers = 32 * (4096 * 4096 * 2 + 4096 * 1024 * 2 + 3 * 4096 * 14_336)
    norms = 4096 * (2 * 32 + 1)
    outside = count_parameters(model) - layers - norms
    state = state_bytes(config)
    item = 4 if base == "float32" else 2
    assert state.frozen == (byte * layers + item * outside) / 4 + item * norms
    assert state.gathered == (byte if lora.quantized else 2) * layers + 2 * (outside + norms) + 2 * adapters
    # fsdp splits the matrix (A or B) that has a dim of the model's width; the other one is replicated.
    split = 32 * 16 * 4096 * 7
    held = split // 4 + adapters - split
    assert (state.parameters, state.gradients, state.optimizer) == (4 * held, 4 * held, 8 * held + 4)
    assert state.scattered == 2 * adapters


def test_frozen_weights_are_gathered_without_scattered_gradients() -> None:
    config = dataclasses.replace(laid_out(data=1, fsdp=8, accumulation=16), lora=LoRA(rank=16))
    pairs = dataclasses.replace(config, objective=Preference())
    state = state_bytes(config)
    without, with_reference = (
        next(each for each in exchanges(each_config, parse("h100:1x8"), state) if each.axes == ("fsdp",))
        for each_config in (config, pairs)
    )
    assert without.sent_bytes == pytest.approx(16 * 7 / 8 * (2 * state.gathered + state.scattered))
    assert with_reference.sent_bytes == pytest.approx(16 * 7 / 8 * (3 * state.gathered + state.scattered))
    assert state.scattered < 0.02 * state.gathered


@pytest.mark.parametrize(
    ("layout", "kept"),
    [
        ({"remat": "full"}, 4096),
        ({"remat": "full", "save": ("qkv",)}, 4096 + 6144),
        ({"remat": "attention"}, 2 * 4096),
        ({"remat": "attention", "offload": ("input",)}, 4096),
        ({"remat": "dots"}, 3 * 4096 + 6144 + 2 * 14_336),
    ],
)
def test_the_least_memory_is_state_gradients_and_kept_activations(layout: dict[str, Any], kept: int) -> None:
    config = laid_out(data=3, fsdp=8, accumulation=16, **layout)  # 4 rows of 2,048 tokens on each device, 32 layers
    state = state_bytes(config)
    expected = state.parameters + state.optimizer + state.gradients + 2 * kept * 32 * 4 * 2048
    assert estimate(config, TARGET, state).bytes == expected


def test_a_pipeline_keeps_all_rounds_and_zero_1_all_weights() -> None:
    config = laid_out(data=3, fsdp=2, stage=4, microbatches=16, accumulation=16, zero=1)
    state = state_bytes(config)
    kept = 2 * 4096 * 8 * 19 * 2048  # 8 layers, 16 + 3 rounds of one row
    assert (
        estimate(config, TARGET, state).bytes
        == state.parameters + state.optimizer + state.gradients + state.gathered + kept
    )


def test_gathers_and_sums_take_the_time_of_their_links() -> None:
    config = laid_out(data=3, fsdp=8, accumulation=16)
    state = state_bytes(config)
    sent = {each.axes: each for each in exchanges(config, TARGET, state) if each.seconds}
    assert set(sent) == {("fsdp",), ("data",)}
    gathers, sums = sent["fsdp",], sent["data",]
    # Gathered twice and scattered once in each of 16 micro-batches; 360 GB/s, and 10 us for each of 32 layers.
    assert gathers.sent_bytes == pytest.approx(48 * 7 / 8 * state.gathered) and not gathers.between_nodes
    assert gathers.seconds == pytest.approx(gathers.sent_bytes / 360e9 + 48 * 32 * 1e-5)
    # A ring of three sends two thirds of the gradients twice, in bfloat16; a device has an eighth of them.
    assert sums.sent_bytes == pytest.approx(16 * 2 * 2 / 3 * state.gradients / 2) and sums.between_nodes
    assert sums.seconds == pytest.approx(sums.sent_bytes / 40e9 + 16 * 2 * 32 * 3e-5)


def test_a_group_that_ends_in_another_node_counts_as_between_nodes() -> None:
    config = laid_out(data=3, fsdp=2, stage=4, microbatches=16, accumulation=16)  # the second stage has devices 6 to 11
    (sums,) = (each for each in exchanges(config, TARGET, state_bytes(config)) if each.axes == ("data",))
    assert sums.between_nodes


def test_more_exchanges_products_or_idle_rounds_take_more_time() -> None:
    best = seconds(data=3, fsdp=8, accumulation=16, remat="dots")
    assert best < seconds(data=3, fsdp=8, accumulation=64, remat="dots"), "more gathers"
    assert best < seconds(data=3, fsdp=8, accumulation=16, remat="full"), "more products"
    assert best < seconds(data=3, fsdp=4, tensor=2, accumulation=16, remat="dots"), "activations to exchange"
    idle = {
        accumulation: seconds(data=3, fsdp=4, stage=2, microbatches=128 // accumulation, accumulation=accumulation)
        for accumulation in (8, 64)
    }
    assert idle[8] < idle[64], "stages that wait"
    assert math.isclose(best, seconds(data=3, fsdp=8, accumulation=16, remat="dots"))
