"""Layouts of an experiment: complete, refused with a reason, or accepted by the trainer."""

import dataclasses
import math
from collections import Counter
from typing import Any

import jax
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment, Layout
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.validate import validate
from tanuki_jax.lm.parallel.mesh import AXES, make_mesh
from tanuki_jax.lm.parallel.sharding import check_batch, shardings
from tanuki_jax.planning.plan.estimate import Estimate
from tanuki_jax.planning.plan.layouts import OF_MESHES, Candidate, candidates, choose, factorisations, layouts, meshes
from tanuki_jax.planning.plan.target import Target, parse
from tanuki_jax.training.setup import initial_state

TARGET = parse("cpu:2x4")


def small(**changes: Any) -> Experiment:
    """Return `tiny` with 32 rows of 2,048 tokens in a step."""
    tiny = experiment.find("tiny")
    data = dataclasses.replace(tiny.data, batch_rows=32, sequence_length=2048)
    held_out = dataclasses.replace(tiny.held_out, rows=32)
    return dataclasses.replace(tiny, data=data, held_out=held_out, **changes)


SHAPES = jax.eval_shape(lambda: initial_state(small()))


@pytest.fixture(scope="module")
def judged() -> list[Candidate]:
    return candidates(small(), TARGET)


def check_on_a_mesh(layout: Layout) -> None:
    """Raise InputError where the trainer would raise it, on eight real devices."""
    experiment = small(layout=layout)
    validate(experiment)
    mesh = make_mesh(layout, jax.devices())
    check_batch(mesh, layout, experiment.data)
    shardings(mesh, experiment.model, SHAPES)


def test_a_number_is_factorised_in_every_way() -> None:
    assert list(factorisations(12, 2)) == [(1, 12), (2, 6), (3, 4), (4, 3), (6, 2), (12, 1)]
    ways = list(factorisations(24, 5))  # three twos and a three over five axes: C(7, 4) x 5
    assert len(ways) == len(set(ways)) == 175 and {math.prod(way) for way in ways} == {24}


def test_only_a_mixture_has_an_axis_for_experts() -> None:
    assert {mesh.expert for mesh in meshes(small(), 8)} == {1}
    mixture = experiment.find("tiny_moe")
    assert {mesh.expert for mesh in meshes(mixture, 8)} == {1, 2, 4, 8}


def test_the_trainer_accepts_every_open_layout(judged: list[Candidate]) -> None:
    opened = [candidate.layout for candidate in judged if candidate.verdict == "open"]
    assert {layout.stage for layout in opened} == {1, 2, 4} and {layout.context for layout in opened} == {1, 2, 4}
    for layout in {dataclasses.replace(layout, remat="full"): None for layout in opened}:
        check_on_a_mesh(layout)


def test_the_trainer_refuses_what_does_not_divide_or_breaks_a_rule(judged: list[Candidate]) -> None:
    refused = [candidate for candidate in judged if candidate.verdict in ("divide", "rule")]
    assert {candidate.verdict for candidate in refused} == {"divide", "rule"}
    for candidate in refused:
        with pytest.raises(InputError):
            check_on_a_mesh(candidate.layout)


def test_every_mesh_has_a_reason_or_layouts(judged: list[Candidate]) -> None:
    axes = {tuple(getattr(candidate.layout, axis) for axis in AXES) for candidate in judged}
    assert len(axes) == len(list(meshes(small(), 8))) == 35  # three twos over five axes: C(7, 4)
    assert all(candidate.reason for candidate in judged if candidate.verdict != "open")
    refused = Counter(candidate.layout for candidate in judged if candidate.verdict in OF_MESHES)
    assert refused and set(refused.values()) == {1}


def test_the_micro_batches_of_a_layout_make_up_the_rows_of_a_step() -> None:
    mesh = Layout(data=2, stage=2, tensor=2, microbatches=2)
    for layout in layouts(small(), mesh):
        rows, rest = divmod(32, layout.accumulation * layout.microbatches * layout.data)
        assert rest == 0 and rows in (1, 2, 4, 8) and layout.microbatches in (2, 4, 8)
    assert {layout.zero for layout in layouts(small(), mesh)} == {3}, (
        "without a group that shares the state, zero makes no difference"
    )


def with_fields(judged: list[Candidate], **fields: Any) -> list[Candidate]:
    return [
        candidate
        for candidate in judged
        if all(getattr(candidate.layout, name) == value for name, value in fields.items())
    ]


def test_refused_layouts_have_a_verdict_and_a_reason(judged: list[Candidate]) -> None:
    (across,) = with_fields(judged, tensor=8)
    assert across.verdict == "nodes" and "does not divide the 4 devices of a node" in across.reason
    (short,) = with_fields(judged, context=8)
    assert short.verdict == "short" and "leaves a device 256 tokens of a row" in short.reason
    split = with_fields(judged, data=4, context=2, accumulation=4, remat="full")
    assert [each.verdict for each in split] == ["split"] and split[0].reason.startswith(
        "a device has 2 rows of a micro-batch"
    )
    # 3 of 7 rounds are idle.
    idle = with_fields(judged, data=2, stage=4, microbatches=4, interleave=1, accumulation=4, remat="full")
    assert [(each.verdict, each.reason) for each in idle] == [("idle", "stages are idle for 43% of a step")]


def test_a_layout_that_cannot_fit_names_the_memory_that_it_needs() -> None:
    hardware = dataclasses.replace(TARGET.hardware, memory_bytes=2**24, margin_share=0.5)
    full = candidates(small(), Target(name="own.toml:2x4", hardware=hardware, shape=(2, 4)))
    large = [candidate for candidate in full if candidate.verdict == "memory"]
    assert large and all(candidate.reason.endswith("GiB, of which 0.0 GiB are usable") for candidate in large)
    assert all(candidate.estimate and candidate.estimate.bytes > 2**23 for candidate in large)


def test_the_fastest_are_chosen_from_several_meshes() -> None:
    def candidate(data: int, seconds: float) -> Candidate:
        return Candidate(
            layout=Layout(data=data, accumulation=round(seconds)), estimate=Estimate(bytes=0, seconds=seconds)
        )

    refused = Candidate(layout=Layout(data=8), verdict="divide", reason="no")
    chosen = choose(
        [refused, *(candidate(1, seconds) for seconds in (5, 3, 1, 2)), candidate(2, 9), candidate(2, 8)], 3
    )
    assert [each.verdict for each in chosen] == ["divide", "slow", "slow", "open", "open", "slow", "open"]
    one_mesh = choose([candidate(1, seconds) for seconds in (1, 2, 3, 4)], 3)
    assert [each.verdict for each in one_mesh] == ["open", "open", "open", "slow"]
