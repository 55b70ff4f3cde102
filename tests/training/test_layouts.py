"""Every mesh axis, and every pair of them, against one device: first loss, gradients, and the curve after them.

What was found is printed as a table after the tests.
"""

import dataclasses
import functools
import math
from typing import Any

import jax
import numpy as np
import pytest

from tanuki_jax.config.experiment import Layout, Router
from tanuki_jax.config.model import RopeScaling
from tanuki_jax.lm.parallel.mesh import AXES
from tests.training.test_step import DENSE, Trainer, relative_error

pytestmark = pytest.mark.thorough

ONE_DEVICE = Layout(data=1)
EVEN = Router(load_balancing_weight=0, z_loss=1e-3)
"""Load balancing alone depends on the rows of a micro-batch, which differ between stages and accumulation."""
MIXTURE = dataclasses.replace(DENSE, experts=4, router_logits="standardized")
DEEP = dataclasses.replace(DENSE, layers=8)
QWEN3 = dataclasses.replace(DENSE, qk_norm=True, explicit_head_dim=16, tied=True)
LLAMA3 = dataclasses.replace(DENSE, rope_scaling=RopeScaling(factor=8.0, original_length=16))
GROUPS = dataclasses.replace(MIXTURE, dense_layers=1, window=12, global_every=2)

DENSE_LAYOUTS = {
    "data 2 x fsdp 2 x context 2": Layout(data=2, fsdp=2, context=2),
    "data 2 x tensor 2 x stage 2": Layout(data=2, tensor=2, stage=2, microbatches=2),
    "fsdp 2 x tensor 2 x stage 2": Layout(data=1, fsdp=2, tensor=2, stage=2, microbatches=4),
    "context 2 x tensor 2 x stage 2": Layout(data=1, context=2, tensor=2, stage=2, microbatches=2, accumulation=2),
}
"""Together these have every pair of the axes of a dense model."""
MIXTURE_LAYOUTS = {
    "expert 2 x data 2 x context 2": Layout(data=2, expert=2, context=2),
    "expert 2 x fsdp 2 x tensor 2": Layout(data=1, expert=2, fsdp=2, tensor=2),
    "expert 2 x fsdp 2 x stage 2": Layout(data=1, expert=2, fsdp=2, stage=2, microbatches=2),
}
"""And these every pair with `expert`."""
ALONE = {
    "data 8": Layout(data=8),
    "fsdp 8": Layout(data=1, fsdp=8),
    "context 8": Layout(data=1, context=8, remat="none"),
    "tensor 4": Layout(data=1, tensor=4),
    "stage 8": Layout(data=1, stage=8, microbatches=8),
}
OTHERWISE = {
    "zero 1, data 2 x fsdp 4": Layout(data=2, fsdp=4, zero=1, accumulation=2),
    "zero 1, fsdp 2 x stage 2 x tensor 2": Layout(data=1, fsdp=2, tensor=2, stage=2, microbatches=4, zero=1),
    "stage 4 x interleave 2": Layout(data=1, fsdp=2, stage=4, interleave=2, microbatches=4),
    "stage 2 x interleave 4": Layout(data=1, fsdp=2, stage=2, interleave=4, microbatches=2, tensor=2),
    "offload, save, fsdp 8": Layout(data=1, fsdp=8, save=("qkv",), offload=("input", "attention")),
}


def trainer(model: Any, layout: Layout) -> Trainer:
    return Trainer(layout, model, EVEN)


@functools.cache
def alone(model: Any) -> tuple[list[float], Any]:
    """Losses of 20 steps on one device, and the gradients of the first."""
    one = trainer(model, ONE_DEVICE)
    first, gradients = one.train(1), one.gradients()
    return first + one.train(19, after=1), gradients


def assert_as_on_one_device(model: Any, layout: Layout, note: Any) -> None:
    curve, gradients = alone(model)
    own = trainer(model, layout)
    with jax.set_mesh(own.mesh):
        (first,), own_gradients = own.train(1), own.gradients()
        followed = own.train(19, after=1)
    loss = abs(first / curve[0] - 1)
    gradient = max(jax.tree.leaves(jax.tree.map(relative_error, own_gradients, gradients)))
    drift = float(np.max(np.abs(np.array(followed) / curve[1:] - 1)))
    note("layout", f"loss {loss:.1e}, gradients {gradient:.1e}, 19 losses after {drift:.1e}")
    assert loss < 1e-5 and gradient < 1e-5 and drift < 1e-4


@pytest.mark.parametrize(
    "name",
    [name if name.startswith("fsdp") else pytest.param(name, marks=pytest.mark.long) for name in DENSE_LAYOUTS],
)
def test_every_pair_of_axes_computes_what_one_device_does(name: str, record_property: Any) -> None:
    assert_as_on_one_device(DENSE, DENSE_LAYOUTS[name], record_property)


@pytest.mark.long
@pytest.mark.parametrize("name", OTHERWISE)
def test_how_weights_and_activations_are_kept_changes_nothing(name: str, record_property: Any) -> None:
    assert_as_on_one_device(DEEP, OTHERWISE[name], record_property)


@pytest.mark.long
@pytest.mark.parametrize("name", MIXTURE_LAYOUTS)
def test_every_axis_beside_experts_computes_what_one_device_does(name: str, record_property: Any) -> None:
    assert_as_on_one_device(MIXTURE, MIXTURE_LAYOUTS[name], record_property)


@pytest.mark.long
@pytest.mark.parametrize("name", ALONE)
def test_every_axis_alone_computes_what_one_device_does(name: str, record_property: Any) -> None:
    assert_as_on_one_device(DEEP, ALONE[name], record_property)


RELATIVES = [
    *(pytest.param(QWEN3, name, id=f"Qwen3, {name}") for name in DENSE_LAYOUTS),
    *(pytest.param(LLAMA3, name, id=f"Llama 3, {name}") for name in DENSE_LAYOUTS),
]


@pytest.mark.long
@pytest.mark.parametrize(("model", "name"), RELATIVES)
def test_relatives_of_llama_compute_on_every_axis_what_one_device_does(
    model: Any, name: str, record_property: Any
) -> None:
    assert_as_on_one_device(model, DENSE_LAYOUTS[name], record_property)


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(Layout(data=1, fsdp=2, context=2, tensor=2), id="context", marks=pytest.mark.long),
        pytest.param(Layout(data=1, expert=2, fsdp=2, zero=1), id="expert", marks=pytest.mark.long),
    ],
)
def test_groups_of_layers_compute_on_a_mesh_what_one_device_does(layout: Layout, record_property: Any) -> None:
    assert_as_on_one_device(GROUPS, layout, record_property)


def test_all_pairs_of_axes_are_among_the_layouts() -> None:
    def pairs(layout: Layout) -> set[tuple[str, str]]:
        used = [axis for axis in AXES if getattr(layout, axis) > 1]
        return {(a, b) for a in used for b in used if a < b}

    found = set().union(*(pairs(layout) for layout in (DENSE_LAYOUTS | MIXTURE_LAYOUTS).values()))
    assert len(found) == math.comb(len(AXES), 2)
