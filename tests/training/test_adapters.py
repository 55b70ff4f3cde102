"""Training adapters: only they change, only they cost, on every mesh; and the reference is the model without them."""

import dataclasses
import functools
import re
from typing import Any, Literal

import jax
import numpy as np
import pytest

from tanuki_jax.config.experiment import Experiment, Layout, NextToken, Objective, Preference
from tanuki_jax.config.lora import LoRA
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.model.quantized_base import quantize_base
from tanuki_jax.lm.model.transformer import initialise
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import local_rows, place_batch, shardings
from tanuki_jax.training.loss import make_loss, make_reference_logps
from tanuki_jax.training.setup import TrainSetup, TrainState, initial_state, without_adapters
from tanuki_jax.training.step import make_step
from tests.training.test_step import DENSE, MOE, ONE_DEVICE, ROWS, TIME, batch, experiment, relative_error

pytestmark = pytest.mark.thorough

ADAPTED = LoRA(rank=3, alpha=6.0, base="float32")
OUTSIDE_TOO = dataclasses.replace(ADAPTED, projections=(*ADAPTED.projections, "embedding", "output"))
QUANTIZED = dataclasses.replace(ADAPTED, base="nf4", dora=True)
OF_EXPERTS = dataclasses.replace(ADAPTED, projections=("q", "o", "expert_gate", "expert_down"))


def tuning(layout: Layout, objective: Objective, of: LoRA = ADAPTED) -> Experiment:
    model = MOE if of is OF_EXPERTS else DENSE
    return dataclasses.replace(experiment(layout, model), objective=objective, lora=of)


def of_pairs(seed: int) -> Batch[np.ndarray]:
    """`batch`, whose documents are, two after the other, chosen and rejected answers; an odd one is left out."""
    rows = batch(seed)
    segments = rows.segment_ids
    paired = np.where(segments <= segments.max(1, keepdims=True) // 2 * 2, segments, 0)
    weights = rows.loss_weights * (paired > 0)
    sides = np.where(paired > 0, (paired + 1) % 2 + 1, 0).astype(np.int32)
    return rows._replace(
        segment_ids=paired, loss_weights=weights, pair_ids=((paired + 1) // 2).astype(np.int32), sides=sides
    )


class Tuner:
    """A step on a mesh, and a state none of whose adapters is as it began."""

    def __init__(self, experiment: Experiment) -> None:
        layout = experiment.layout
        self.experiment = experiment
        count = layout.data * layout.fsdp * layout.expert * layout.tensor * layout.context
        self.mesh = make_mesh(layout, jax.devices()[:count])
        self.shape = (layout.accumulation, ROWS // layout.accumulation, TIME)
        fresh = jax.jit(functools.partial(initial_state, experiment))(initialise(experiment.model, jax.random.key(0)))
        keys = iter(jax.random.split(jax.random.key(1), 99))
        fresh["parameters"] = jax.tree.map(
            lambda leaf: leaf + 0.05 * jax.random.normal(next(keys), leaf.shape), fresh["parameters"]
        )
        self.state: TrainState = jax.device_put(jax.device_get(fresh), shardings(self.mesh, experiment.model, fresh))
        self.setup = TrainSetup(experiment, self.mesh)
        self.step = make_step(self.setup)

    def place(self, rows: Batch[np.ndarray]) -> Batch[jax.Array]:
        placed: Batch[jax.Array] = place_batch(self.mesh, rows, local_rows(self.mesh, self.shape), self.shape)
        return placed

    def go(self, rows: Batch[np.ndarray]) -> tuple[Any, dict[str, Any]]:
        with jax.set_mesh(self.mesh):
            self.state, metrics = self.step(self.state, self.place(rows))
        return jax.device_get(self.state), jax.device_get(metrics)


PREFERENCE = Preference(beta=0.5, sft_weight=0.3)
MESHES = [
    pytest.param(
        Layout(data=1, fsdp=2, tensor=2, context=2, accumulation=2, remat="full"),
        QUANTIZED,
        id="4 bits, fsdp, tensor, context",
        marks=pytest.mark.long,
    ),
    pytest.param(
        Layout(data=1, fsdp=2, tensor=2, context=2, accumulation=2),
        OUTSIDE_TOO,
        id="fsdp, tensor, context",
    ),
    pytest.param(Layout(data=1, fsdp=2, expert=4), OF_EXPERTS, id="fsdp, expert", marks=pytest.mark.long),
    pytest.param(Layout(data=2, fsdp=4, zero=1), OUTSIDE_TOO, id="data, fsdp, zero 1", marks=pytest.mark.long),
    pytest.param(
        Layout(data=2, fsdp=4, zero=1, remat="full"), QUANTIZED, id="4 bits, data, fsdp, zero 1", marks=pytest.mark.long
    ),
]


@pytest.mark.parametrize(("layout", "of"), MESHES)
def test_a_step_of_adapters_is_the_same_on_a_mesh(layout: Layout, of: LoRA) -> None:
    """With pairs, so that the reference is computed on the mesh too."""
    here, there = (Tuner(tuning(each, PREFERENCE, of)) for each in (ONE_DEVICE, layout))
    expected, found = here.go(of_pairs(0)), there.go(of_pairs(0))
    if of is not OF_EXPERTS:  # whose balancing loss depends on the micro-batches
        for name, value in expected[1].items():
            np.testing.assert_allclose(found[1][name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    moments = (state["optimizer"][0].mu for state in (found[0], expected[0]))
    assert max(jax.tree.leaves(jax.tree.map(relative_error, *moments))) < 1e-4


@pytest.mark.parametrize(
    ("objective", "base"),
    [
        pytest.param(NextToken(noise=5.0), "nf4", id="next token"),
        pytest.param(PREFERENCE, "float32", id="preference", marks=pytest.mark.long),
    ],
)
def test_only_adapters_change(objective: Objective, base: Literal["nf4", "float32"]) -> None:
    tuner = Tuner(tuning(ONE_DEVICE, objective, dataclasses.replace(OUTSIDE_TOO, dropout=0.2, base=base)))
    before = jax.device_get(tuner.state)
    for seed in range(3):
        after, metrics = tuner.go(of_pairs(seed))
        assert metrics["accepted"] and np.isfinite(metrics["loss"])
    jax.tree.map(np.testing.assert_array_equal, after["frozen"], before["frozen"])
    changed = jax.tree.map(lambda one, other: bool((one != other).any()), after["parameters"], before["parameters"])
    assert all(jax.tree.leaves(changed))
    jax.tree.map(
        lambda moment, adapter: None, after["optimizer"][0].mu, after["parameters"]
    )  # one tree has the arrays of the other


@pytest.mark.long
def test_a_step_of_adapters_computes_no_gradient_of_a_frozen_array() -> None:
    """No product in the compiled program has the shape of a weight's gradient; in full training each shape occurs."""
    model = dataclasses.replace(DENSE, width=56, heads=7, kv_heads=7, hidden=88, vocabulary=104)
    weights = {tuple(sorted(shape)) for shape in ((56, 56), (56, 7, 8), (56, 88), (56, 104))}

    def products(of: LoRA, objective: Objective) -> set[tuple[int, ...]]:
        whole = dataclasses.replace(tuning(ONE_DEVICE, objective, of), model=model)
        tuner = Tuner(whole) if of.rank else None
        mesh = make_mesh(ONE_DEVICE, jax.devices()[:1])
        state = tuner.state if tuner else jax.jit(lambda: initial_state(whole))()
        rows: Any = place_batch(mesh, of_pairs(0), local_rows(mesh, (1, ROWS, TIME)), (1, ROWS, TIME))
        with jax.set_mesh(mesh):
            text = jax.jit(make_step(TrainSetup(whole, mesh))).lower(state, rows).compile().as_text() or ""
        found = re.findall(r"= \w+\[([\d,]+)\]\S* (?:dot|custom-call)\(", text)
        return {tuple(sorted(map(int, shape.split(",")))) for shape in found} & weights

    assert products(LoRA(), NextToken())
    assert products(ADAPTED, PREFERENCE) == set()
    assert products(OUTSIDE_TOO, NextToken()) == set()


@pytest.mark.parametrize(
    "of", [pytest.param(ADAPTED, id="float32"), pytest.param(QUANTIZED, id="4 bits", marks=pytest.mark.long)]
)
def test_the_reference_equals_a_model_with_the_frozen_weights(of: LoRA) -> None:
    tuner = Tuner(tuning(ONE_DEVICE, PREFERENCE, of))
    rows = jax.tree.map(lambda leaf: leaf[0], tuner.place(of_pairs(0)))
    used = tuner.setup.used_parameters(tuner.state)
    other = jax.jit(quantize_base, static_argnums=(0, 2))(DENSE, initialise(DENSE, jax.random.key(0)), of)
    of_another = dataclasses.replace(tuner.experiment, lora=LoRA())
    with jax.set_mesh(tuner.mesh):
        switched_off = jax.jit(make_reference_logps(tuner.setup))(without_adapters(used), rows)
        separate = jax.jit(make_reference_logps(TrainSetup(of_another, tuner.mesh)))(other, rows)
        np.testing.assert_array_equal(switched_off, separate)
        loss = jax.jit(make_loss(tuner.setup))
        context = tuner.setup.objective.step_context(rows)
        stored = dataclasses.replace(tuner.experiment, objective=dataclasses.replace(PREFERENCE, reference="stored"))
        with_stored = jax.jit(make_loss(TrainSetup(stored, tuner.mesh)))(
            used, rows._replace(reference_logps=separate), context
        )
        in_step = loss(used, rows, context)
    jax.tree.map(lambda one, two: np.testing.assert_allclose(one, two, rtol=1e-6), in_step, with_stored)
    assert abs(float(in_step.parts["rewards/margins"])) > 0
