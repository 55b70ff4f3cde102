"""Page of a plan: its order, and which rates are marked as assumed."""

import dataclasses
import json

import pytest
import rich.console

from tanuki_jax.planning.plan.plan_report import page, to_json
from tanuki_jax.planning.plan.plan_results import Memory, Plan, Term, Traffic

GIB = 2**30


@pytest.fixture
def plan() -> Plan:
    return Plan(
        experiment="8b",
        target="h100:3x8",
        devices=24,
        layout="data 3 x fsdp 8",
        memory=Memory(
            parameters=4 * GIB,
            optimizer=8 * GIB,
            activations=20 * GIB,
            temporaries=10 * GIB,
            margin=6 * GIB,
            capacity=80 * GIB,
        ),
        model_flops=24 * 10**17,
        issued_flops=30 * 10**17,
        traffic=(
            Traffic(
                kind="all-gather", between_nodes=False, count=3_000, sent_bytes=200 * 10**9, seconds=1.0, axes=("fsdp",)
            ),
            Traffic(kind="all-reduce", between_nodes=True, count=2, sent_bytes=10, seconds=1e-4, axes=("data",)),
        ),
        terms=(
            Term(name="products with weights", seconds=400.0, measured=True, source="one H200"),
            Term(name="weights, gradients inside a node", seconds=110.0, measured=False, hidden=10.0, source="a guess"),
        ),
        seconds=500.0,
        bubble=0.0,
        tokens=3_000_000,
        steps=1_728,
        peak_flops=1e15,
        compile_seconds=17.0,
        notes=("experts are assumed to be evenly loaded",),
    )


def printed(plan: Plan) -> list[str]:
    console = rich.console.Console(width=140, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(page(plan))
    return [" ".join(line.split()) for line in captured.get().splitlines() if line.strip()]


def test_fit_cost_and_speed_are_printed_first(plan: Plan) -> None:
    lines = printed(plan)
    assert lines[:7] == [
        "8b on h100:3x8 (24 devices): data 3 x fsdp 8",
        "fits: 48.0 of 80.0 GiB per device, 32.0 GiB free",
        "full run 10.0 days, 5,760 GPU-hours for 5.2 billion tokens in 1,728 steps",
        "speed 250 tokens/s per device, 6,000 in total; 500.00 s per step of 3,000,000 tokens",
        "MFU 20.0%: 200 TFLOP/s of 1 PFLOP/s; 800 GFLOP per token",
        "FLOPs 2.4 EFLOP of the model per step, 3 EFLOP issued (1.25 times)",
        "bound by products with weights, 80% of the step",
    ]


def test_rates_are_marked_as_measured_or_assumed(plan: Plan) -> None:
    text = "\n".join(printed(plan))
    assert "products with weights 400.00 80.0% measured: one H200" in text
    assert "weights, gradients inside a node 110.00 10.00 20.0% assumed: a guess" in text
    assert "all-gather 3,000 200 1.00 fsdp, inside a node" in text
    assert "all others 2 1e-08 0.000" in text
    assert "Note: experts are assumed to be evenly loaded." in text


def test_a_plan_that_does_not_fit_begins_with_the_excess(plan: Plan) -> None:
    large = dataclasses.replace(plan.memory, activations=70 * GIB)
    lines = printed(
        dataclasses.replace(plan, memory=large, advice=("--layout.remat full frees about 60.0 GiB, enough alone",))
    )
    assert lines[1:3] == [
        "does not fit: needs 98.0 GiB per device, 18.0 GiB above the 80.0 GiB of a device",
        "--layout.remat full frees about 60.0 GiB, enough alone",
    ]
    assert any(line.startswith("missing 18.00") for line in lines)


def test_the_file_has_derived_figures(plan: Plan) -> None:
    written = json.loads(json.dumps(to_json(plan)))
    assert (written["memory"]["peak"], written["memory"]["fits"]) == (42 * GIB, True)
    assert (written["mfu"], written["device_hours"], written["bound"]) == (0.2, 5760.0, "products with weights")
    assert written["terms"][0]["measured"] is True and written["traffic"][0]["axes"] == ["fsdp"]
