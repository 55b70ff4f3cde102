"""Plans of training steps: small ones on virtual CPU devices, large ones for clusters that are not present."""

import dataclasses
import json
import re
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.registry import experiment
from tanuki_jax.lm.model.weights import count_parameters
from tanuki_jax.planning.plan.make_plan import make_plan
from tanuki_jax.planning.plan.plan_results import Plan
from tanuki_jax.planning.plan.target import parse

pytestmark = pytest.mark.thorough

GIB = 2**30


@pytest.fixture(scope="module")
def plan() -> Plan:
    tiny = experiment.find("tiny")
    layout = dataclasses.replace(tiny.layout, fsdp=4, accumulation=2, remat="full")
    return make_plan(dataclasses.replace(tiny, layout=layout), parse("cpu:2x4"))


def test_parameters_and_optimizer_follow_the_sharding_rules(plan: Plan) -> None:
    model = experiment.find("tiny").model
    norms = (2 * model.layers + 1) * model.width
    held = 4 * ((count_parameters(model) - norms) // 4 + norms)
    assert plan.memory.parameters == held
    window = 2 * experiment.find("tiny").guard.window
    # Both moments, the guard's window, two counters and the factor of the rate.
    assert plan.memory.optimizer == 2 * held + 4 * (window + 3)


def test_activations_are_the_inputs_of_all_layers(plan: Plan) -> None:
    """With remat full: 4 layers of 1 row x 256 x 128 in float32, and nothing else."""
    assert plan.memory.activations == 4 * 256 * 128 * 4
    assert plan.memory.temporaries > 0 and plan.memory.fits


def test_weights_are_gathered_twice_and_gradients_leave_the_node(plan: Plan) -> None:
    model = experiment.find("tiny").model
    gathers = next(each for each in plan.traffic if (each.kind, each.axes) == ("all-gather", ("fsdp",)))
    layer = count_parameters(model) - 2 * model.vocabulary * model.width - model.width
    assert gathers.sent_bytes >= 2 * 2 * layer * 4 * 3 // 4 * 0.98 and not gathers.between_nodes
    assert any(each.axes == ("data",) and each.between_nodes for each in plan.traffic)


def test_rates_follow_from_the_time_of_a_step(plan: Plan) -> None:
    assert plan.seconds == pytest.approx(sum(term.shown for term in plan.terms))
    assert plan.tokens_per_second * plan.devices * plan.seconds == pytest.approx(16 * 256)
    assert plan.mfu == pytest.approx(plan.model_flops / plan.seconds / 8 / plan.peak_flops)
    assert plan.device_hours == pytest.approx(8 * 300 * plan.seconds / 3600)
    assert plan.bound.shown == max(term.shown for term in plan.terms)
    assert plan.layout == "data 2 x fsdp 4, 2 micro-batches of 1 row x 256 tokens per device, remat full"


@pytest.mark.parametrize(
    ("name", "layout", "message"),
    [
        ("tiny", {"fsdp": 3}, "does not fit 8 devices"),
        ("tiny", {"data": 2, "fsdp": 2}, "does not fit 8 devices: the sizes of its axes, multiplied, must be 8,"),
        ("tiny", {"stage": 4, "microbatches": 6}, r"microbatches \(6\) must be a multiple of layout.stage \(4\)"),
        ("tiny", {"fsdp": 8, "accumulation": 16}, "a micro-batch of 1 rows"),
    ],
)
def test_an_invalid_layout_is_refused_before_compilation(name: str, layout: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_plan(dataclasses.replace(experiment.find(name), layout=Layout(**layout)), parse("cpu:1x8"))


def test_85_layers_are_not_divided_into_four_stages() -> None:
    tiny = experiment.find("tiny")
    odd = dataclasses.replace(
        tiny, model=dataclasses.replace(tiny.model, layers=85), layout=Layout(stage=4, microbatches=4)
    )
    with pytest.raises(
        InputError, match=r"layout\.stage \(4\) must divide model\.layers \(85\); the nearest .* are 84 and 88"
    ):
        make_plan(odd, parse("cpu:1x8"))


@pytest.mark.gpu_compile
def test_8b_on_three_nodes() -> None:
    """By hand: 7,512,264,704 float32 parameters over 8 devices, two moments, inputs of 32 layers for 8 rows."""
    plan = make_plan(experiment.find("8b"), parse("h100:3x8"))
    assert plan.memory.parameters == pytest.approx(7_512_264_704 * 4 / 8, rel=1e-3)
    assert plan.memory.optimizer == pytest.approx(7_512_264_704 * 8 / 8, rel=1e-3)
    assert plan.memory.activations == pytest.approx(32 * 8 * 2048 * 4096 * 2, rel=0.02)
    assert plan.memory.fits and plan.memory.peak < 40 * GIB
    products = 7_512_264_704 - 65_024 * 4096 - 65 * 4096  # all but the embedding and the norms
    assert plan.model_flops == 1536 * 2048 * 3 * (2 * products + 32 * 4 * 4096 * 2049 // 2)
    gathers = next(each for each in plan.traffic if (each.kind, each.axes) == ("all-gather", ("fsdp",)))
    layers = 7_512_264_704 - 2 * 65_024 * 4096
    # Layers twice, and the output matrix.
    assert gathers.sent_bytes == pytest.approx(8 * 7 / 8 * (2 * layers * 2 + 65_024 * 4096 * 4), rel=0.05)
    assert 0.3 < plan.mfu < 0.65
    json.dumps(dataclasses.asdict(plan))


@pytest.mark.gpu_compile
def test_a_plan_that_does_not_fit_has_advice() -> None:
    config = experiment.find("8b")
    plan = make_plan(
        dataclasses.replace(config, layout=dataclasses.replace(config.layout, remat="none")), parse("h100:3x8")
    )
    assert not plan.memory.fits and plan.memory.free < 0
    freed = re.fullmatch(r"--layout\.remat full frees about ([\d.]+) GiB, enough alone", plan.advice[0])
    assert freed and float(freed[1]) * GIB == pytest.approx(plan.memory.activations - 4 * GIB, rel=0.1)


@pytest.mark.gpu_compile
@pytest.mark.parametrize(
    ("layout", "message"),
    [({"data": 1, "fsdp": 24}, "does not divide"), ({"data": 2, "fsdp": 8}, "does not fit 24 devices")],
)
def test_24_gpus_cannot_share_a_dim_that_24_does_not_divide(layout: dict[str, Any], message: str) -> None:
    config = experiment.find("8b")
    with pytest.raises(InputError, match=message):
        make_plan(dataclasses.replace(config, layout=dataclasses.replace(config.layout, **layout)), parse("h100:3x8"))
