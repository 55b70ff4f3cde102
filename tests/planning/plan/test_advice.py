"""Advice, with the memory that each change frees computed by hand."""

import dataclasses
from typing import Any

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.registry import experiment
from tanuki_jax.planning.plan.advice import advice
from tanuki_jax.planning.plan.plan_results import Memory
from tanuki_jax.planning.plan.target import parse

GIB = 2**30
SIZES = {"stage": 1, "data": 3, "fsdp": 8, "expert": 1, "context": 1, "tensor": 1}


def memory(parameters: float, optimizer: float, activations: float, temporaries: float) -> Memory:
    sizes = {"parameters": parameters, "optimizer": optimizer, "activations": activations, "temporaries": temporaries}
    return Memory(**{name: round(size * GIB) for name, size in sizes.items()}, margin=6 * GIB, capacity=80 * GIB)


def sentences(memory: Memory, sizes: dict[str, int] = SIZES, **layout: Any) -> tuple[str, ...]:
    config: Experiment = experiment.find("8b")
    chosen = dataclasses.replace(config, layout=dataclasses.replace(config.layout, **layout))
    return advice(chosen, sizes, memory, parse("h100:3x8"))


def test_a_step_that_fits_is_advised_of_free_memory_only() -> None:
    assert sentences(memory(4, 8, 4, 50)) == ()
    assert sentences(memory(4, 8, 4, 10)) == (
        "48 GiB are free: a lighter --layout.remat or fewer micro-batches may be faster; --search tries both",
    )


def test_activations_are_freed_by_recomputation_or_smaller_micro_batches() -> None:
    """With 8 rows of 2,048 per device, 32 inputs of 8 x 2048 x 4096 in bfloat16 are 4 GiB."""
    advised = sentences(memory(4, 8, 84, 10), remat="none")
    assert advised[0] == "--layout.remat full frees about 80.0 GiB, enough alone"
    assert advised[1] == (
        "--layout.accumulation 16 (micro-batches of 4 rows per device instead of 8) frees about 42.0 GiB, enough alone"
    )


def test_a_small_excess_needs_a_small_change() -> None:
    assert sentences(memory(4, 8, 4, 60))[0] == (
        "--layout.offload input (to the host's memory) frees about 3.6 GiB, enough alone"
    )


def test_state_is_shared_by_replicas() -> None:
    sizes = SIZES | {"data": 8, "fsdp": 3}
    advised = sentences(memory(20, 50, 1, 10), sizes, fsdp=2, data=8)
    assert "--layout.fsdp 6 --layout.data 4" not in " ".join(advised), "4096 is not divided by 6"
    assert "--layout.fsdp 4 --layout.data 4 frees about 35.0 GiB, enough alone" in sentences(
        memory(20, 50, 1, 10), sizes | {"fsdp": 2}
    )


def test_a_state_that_no_layout_can_hold_needs_more_devices() -> None:
    assert sentences(memory(40, 80, 1, 1))[-1] == (
        "parameters and optimizer alone exceed a device; shared by all devices, they need at least 39 of them"
    )
