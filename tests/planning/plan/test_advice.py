"""What is said to change, and what it would free, by hand."""

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


def said(memory: Memory, sizes: dict[str, int] = SIZES, **layout: Any) -> tuple[str, ...]:
    whole: Experiment = experiment.find("8b")
    chosen = dataclasses.replace(whole, layout=dataclasses.replace(whole.layout, **layout))
    return advice(chosen, sizes, memory, parse("h100:3x8"))


def test_what_fits_needs_no_change_but_may_use_its_room() -> None:
    assert said(memory(4, 8, 4, 50)) == ()
    assert said(memory(4, 8, 4, 10)) == (
        "48 GiB are free: a lighter --layout.remat or fewer micro-batches may be faster; --search tries both",
    )


def test_activations_give_way_to_recomputation_and_to_smaller_micro_batches() -> None:
    """8 rows of 2,048 a device: 32 inputs of 8 x 2048 x 4096 in bfloat16 are 4 GiB."""
    found = said(memory(4, 8, 84, 10), remat="none")
    assert found[0] == "--layout.remat full frees about 80.0 GiB, enough alone"
    assert found[1] == (
        "--layout.accumulation 16 (micro-batches of 4 rows a device instead of 8) frees about 42.0 GiB, enough alone"
    )


def test_a_little_too_much_needs_little() -> None:
    assert said(memory(4, 8, 4, 60))[0] == (
        "--layout.offload input (to the host's memory) frees about 3.6 GiB, enough alone"
    )


def test_state_is_shared_by_replicas() -> None:
    sizes = SIZES | {"data": 8, "fsdp": 3}
    found = said(memory(20, 50, 1, 10), sizes, fsdp=2, data=8)
    assert "--layout.fsdp 6 --layout.data 4" not in " ".join(found), "4096 is not divided by 6"
    assert "--layout.fsdp 4 --layout.data 4 frees about 35.0 GiB, enough alone" in said(
        memory(20, 50, 1, 10), sizes | {"fsdp": 2}
    )


def test_state_that_no_layout_can_hold_asks_for_more_devices() -> None:
    assert said(memory(40, 80, 1, 1))[-1] == (
        "parameters and optimizer alone are more than a device has: shared by all, they need 39 devices of this kind, or more"
    )
