"""The training step: the same on every mesh, exact under accumulation, and untouched by what it rejects."""

import dataclasses
import functools
import itertools
import math
import os
import re
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.config.experiment import (
    AdamW,
    Checkpoints,
    Data,
    Experiment,
    HeldOut,
    Layout,
    NextToken,
    Router,
    Schedule,
    Tokenizer,
)
from tanuki_jax.config.model import Model
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.objectives.objective import StepContext, Sums
from tanuki_jax.lm.parallel.mesh import AXES, make_mesh
from tanuki_jax.lm.parallel.sharding import local_rows, place_batch
from tanuki_jax.training.loss import make_loss
from tanuki_jax.training.setup import TrainSetup, TrainState, initial_state
from tanuki_jax.training.step import make_step, step_function

TIME, ROWS = 32, 16
ONE_DEVICE = Layout(data=1)
ROUTER = Router()
DENSE = Model(vocabulary=128, width=32, hidden=64, layers=2, heads=8, kv_heads=4, initial_std=0.1)
MOE = dataclasses.replace(
    DENSE, width=7 * 8, hidden=11 * 8, heads=7, kv_heads=7, experts=8, router_logits="standardized"
)


def experiment(layout: Layout, model: Model = DENSE, router: Router = ROUTER) -> Experiment:
    return Experiment(
        name="step",
        model=model,
        data=Data(mixture="", tokenizer=Tokenizer(path=""), stores="", sequence_length=TIME, batch_rows=ROWS),
        steps=20,
        schedule=Schedule(peak=1e-2, warmup_steps=5),
        objective=NextToken(z_loss=1e-4),
        router=router,
        optimizer=AdamW(clip_norm=0.5),
        checkpoints=Checkpoints(every_steps=10),
        held_out=HeldOut(every_steps=10, rows=ROWS),
        layout=dataclasses.replace(layout, compute_dtype="float32"),
    )


def batch(seed: int) -> Batch[np.ndarray]:
    """Packed rows [ROWS, TIME] with documents of many lengths, padding, and a different number of tokens in each
    row."""
    random = np.random.default_rng(seed)
    tokens, targets = random.integers(0, 128, (2, ROWS, TIME), np.int32)
    segment_ids, positions = np.zeros((2, ROWS, TIME), np.int32)
    for row in range(ROWS):
        ends = np.unique(random.integers(1, TIME + 1, 4))
        for number, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True), 1):
            segment_ids[row, start:end] = number
            positions[row, start:end] = np.arange(end - start)
    return Batch(tokens, targets, (segment_ids > 0).astype(np.float32), segment_ids, positions)


class Trainer:
    """A step on a mesh, with its state."""

    def __init__(self, layout: Layout, model: Model = DENSE, router: Router = ROUTER) -> None:
        self.experiment = experiment(layout, model, router)
        self.mesh = make_mesh(layout, jax.devices()[: math.prod(getattr(layout, axis) for axis in AXES)])
        self.shape = (layout.accumulation, ROWS // layout.accumulation, TIME)
        fresh = fresh_state(model)
        self.setup = TrainSetup(self.experiment, self.mesh)
        self.state: TrainState = jax.device_put(fresh, self.setup.state_shardings)
        self.step = make_step(self.setup)

    def place(self, rows: Batch[np.ndarray]) -> Batch[jax.Array]:
        placed: Batch[jax.Array] = place_batch(self.mesh, rows, local_rows(self.mesh, self.shape), self.shape)
        return placed

    def train(self, steps: int, after: int = 0) -> list[float]:
        losses = []
        for number in range(after, after + steps):
            self.state, metrics = self.step(self.state, self.place(batch(number % 4)))
            losses.append(float(metrics["loss"]))
        return losses

    def gradients(self) -> Any:
        """Return the clipped gradients of the first step, from Adam's first moment."""
        return jax.tree.map(
            lambda moment: np.asarray(moment) / (1 - self.experiment.optimizer.b1), self.state["optimizer"][0].mu
        )


@functools.cache
def fresh_state(model: Model = DENSE) -> TrainState:
    return jax.device_get(jax.jit(lambda: initial_state(experiment(ONE_DEVICE, model)))())


def relative_error(own: np.ndarray, alone: np.ndarray) -> float:
    return float(np.linalg.norm(own - alone) / np.linalg.norm(alone))


def test_losses_fall_and_nothing_is_compiled_after_the_first_step() -> None:
    trainer = Trainer(Layout(data=1, fsdp=4, tensor=2, accumulation=2))
    with jax.set_mesh(trainer.mesh):
        first = trainer.train(1)
        compiled: list[str] = []

        def note(event: str, duration_secs: float, **_: str | int) -> None:
            compiled.append(event)

        jax.monitoring.register_event_duration_secs_listener(note)
        rest = trainer.train(19, after=1)
        jax.monitoring.clear_event_listeners()
    assert rest[-1] < 0.8 * first[0]
    assert not [event for event in compiled if "compile" in event]


def test_accumulation_weighs_micro_batches_by_their_tokens() -> None:
    whole, halves = Trainer(ONE_DEVICE), Trainer(Layout(data=1, accumulation=4))
    uneven = batch(0)
    uneven.loss_weights[:4] = 0
    uneven.loss_weights[4:6, ::3] = 0
    (a, a_metrics), (b, b_metrics) = (trainer.step(trainer.state, trainer.place(uneven)) for trainer in (whole, halves))
    for name in ("loss", "z_loss", "gradient_norm", "tokens"):
        np.testing.assert_allclose(a_metrics[name], b_metrics[name], rtol=1e-5)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5), a["optimizer"], b["optimizer"])


@pytest.mark.thorough
@pytest.mark.parametrize(
    "layout",
    [
        Layout(data=1, fsdp=2, accumulation=2),
        pytest.param(
            Layout(data=1, stage=2, microbatches=2, context=2, fsdp=2, accumulation=2), marks=pytest.mark.long
        ),
        pytest.param(Layout(data=1, fsdp=4, tensor=2), marks=pytest.mark.long),
    ],
)
def test_losses_of_rows_change_no_bit_of_a_step(layout: Layout) -> None:
    trainer = Trainer(layout)
    rows = batch(0)
    rows.loss_weights[3] = 0
    rows.loss_weights[4:6, ::3] = 0
    by_row = jax.jit(step_function(trainer.setup, by_row=True), out_shardings=(trainer.setup.state_shardings, None))
    alone = jax.jit(make_loss(TrainSetup(experiment(ONE_DEVICE), make_mesh(ONE_DEVICE, jax.devices()[:1]))))
    with jax.set_mesh(trainer.mesh):
        state, metrics = jax.device_get(by_row(trainer.state, trainer.place(rows)))
        trainer.state, plain = trainer.step(trainer.state, trainer.place(rows))
    jax.tree.map(np.testing.assert_array_equal, state, jax.device_get(trainer.state))
    losses, weights = metrics.pop("row_losses"), metrics.pop("row_weights")
    jax.tree.map(np.testing.assert_array_equal, metrics, jax.device_get(plain))
    np.testing.assert_array_equal(weights, rows.loss_weights.sum(-1))
    for row in range(ROWS):
        only = jax.tree.map(lambda array, row=row: array[row : row + 1], rows)
        sums = alone(fresh_state()["parameters"], only, StepContext())
        np.testing.assert_allclose(losses[row], sums.parts["loss"], rtol=1e-5, atol=1e-6)


def arrays_of_all_experts(program: jax.stages.Compiled) -> set[str]:
    """Shapes in a compiled program, of one device, that may hold a matrix of all experts: no other size is a multiple
    of 7 and 11."""
    shapes = set(re.findall(r"\w\[(\d[\d,]*)\]", program.as_text() or ""))
    return {
        shape for shape in shapes if math.prod(map(int, shape.split(","))) % (MOE.experts * MOE.width * MOE.hidden) == 0
    }


@pytest.mark.long
def test_a_mixture_on_a_mesh_has_the_sums_of_one_device() -> None:
    """Router losses are those of each micro-batch, which count with its weight. And no device ever holds a matrix of
    all experts."""
    trainer = Trainer(Layout(data=1, fsdp=2, expert=4, accumulation=2, exchange="all_to_all"), MOE)
    uneven = batch(0)
    uneven.loss_weights[:6] = 0
    loss_sums = make_loss(TrainSetup(experiment(ONE_DEVICE, MOE), make_mesh(ONE_DEVICE, jax.devices()[:1])))

    def total(parameters: Params, micro: Batch[jax.Array]) -> tuple[jax.Array, Sums]:
        sums = loss_sums(parameters, micro, StepContext())
        return sums.total, sums

    halves = [jax.tree.map(lambda rows, h=half: rows.reshape(2, -1, TIME)[h], uneven) for half in (0, 1)]
    parameters = fresh_state(MOE)["parameters"]
    alone = jax.jit(jax.grad(total, has_aux=True)).lower(parameters, halves[0]).compile()
    gradients, sums = jax.tree.map(np.add, *(jax.device_get(alone(parameters, half)) for half in halves))
    with jax.set_mesh(trainer.mesh):
        rows = trainer.place(uneven)
        step = jax.jit(trainer.step).lower(trainer.state, rows).compile()
        trainer.state, metrics = jax.device_get(step(trainer.state, rows))

    for name, part in sums.parts.items():
        np.testing.assert_allclose(metrics[name], part / sums.weight, rtol=1e-5, atol=1e-7, err_msg=name)
    shapes = {
        name: metrics[name].shape for name in ("expert_load", "router_entropy", "expert_dropped", "load_balancing_loss")
    }
    assert shapes == {"expert_load": (2, 8), "router_entropy": (2,), "expert_dropped": (2,), "load_balancing_loss": ()}
    clip = min(1, trainer.experiment.optimizer.clip_norm / metrics["gradient_norm"])
    expected = jax.tree.map(lambda gradient: gradient / sums.weight * clip, gradients)
    assert max(jax.tree.leaves(jax.tree.map(relative_error, trainer.gradients(), expected))) < 1e-5

    assert {"8,56,88", "8,88,56"} <= arrays_of_all_experts(alone)
    assert arrays_of_all_experts(step) == set()


@pytest.mark.parametrize(
    ("layout", "seen"),
    [
        pytest.param(Layout(data=1, expert=8), False, marks=pytest.mark.long),
        pytest.param(Layout(data=1, fsdp=2, expert=4), False, marks=pytest.mark.long),
        pytest.param(Layout(data=1, fsdp=8), True, marks=pytest.mark.long),
    ],
    ids=["expert 8", "fsdp 2 x expert 4", "fsdp 8"],
)
def test_no_device_has_all_experts_if_they_are_split(layout: Layout, seen: bool) -> None:
    trainer = Trainer(layout, MOE)
    micro = jax.tree.map(lambda rows: rows[0], trainer.place(batch(0)))
    loss_sums = make_loss(trainer.setup)
    with jax.set_mesh(trainer.mesh):
        program = (
            jax.jit(jax.grad(lambda parameters: loss_sums(parameters, micro, StepContext()).total))
            .lower(trainer.state["parameters"])
            .compile()
        )
    assert ("8,56,88" in arrays_of_all_experts(program)) == bool(arrays_of_all_experts(program)) == seen


def test_a_step_with_a_value_that_is_not_finite_changes_no_bit() -> None:
    """In a weight of one micro-batch's loss, or in one element of any parameter."""
    trainer = Trainer(Layout(data=1, fsdp=8, accumulation=2))
    rows = batch(0)

    def rejects(state: TrainState, rows: Batch[np.ndarray]) -> None:
        before = jax.device_get(state)
        trainer.state, metrics = trainer.step(state, trainer.place(rows))
        assert not metrics["accepted"]
        jax.tree.map(np.testing.assert_array_equal, before, jax.device_get(trainer.state))

    with jax.set_mesh(trainer.mesh):
        trainer.train(2)
        healthy, placed = jax.device_get(trainer.state), jax.tree.map(lambda leaf: leaf.sharding, trainer.state)
        for poison, row in itertools.product((np.nan, np.inf), (3, 12)):
            weights = rows.loss_weights.copy()
            weights[row, 0] = poison
            rejects(trainer.state, rows._replace(loss_weights=weights))
        for path, leaf in jax.tree_util.tree_leaves_with_path(healthy["parameters"]):
            poisoned = leaf.copy()
            poisoned[
                (rows.tokens[0, 0], *(0,) * (leaf.ndim - 1)) if path[-1].key == "embedding" else (0,) * leaf.ndim
            ] = np.nan
            other = jax.tree_util.tree_map_with_path(
                lambda at, old, p=path, new=poisoned: new if at == p else old, healthy["parameters"]
            )
            rejects(jax.device_put(healthy | {"parameters": other}, placed), rows)
        trainer.state, metrics = trainer.step(jax.device_put(healthy, placed), trainer.place(batch(1)))
        assert metrics["accepted"] and trainer.state["accepted"] == metrics["updates"] == 3


def test_gradients_are_clipped_by_their_global_norm() -> None:
    trainer = Trainer(ONE_DEVICE)
    _, metrics = trainer.step(trainer.state, trainer.place(batch(0)))
    clipped = dataclasses.replace(trainer.experiment, optimizer=AdamW(clip_norm=float(metrics["gradient_norm"]) / 10))
    trainer = Trainer(ONE_DEVICE)
    state, _ = make_step(TrainSetup(clipped, trainer.mesh))(trainer.state, trainer.place(batch(0)))
    first_moment = state["optimizer"][0].mu
    norm = float(jnp.sqrt(sum(jnp.sum(jnp.square(leaf / 0.1)) for leaf in jax.tree.leaves(first_moment))))
    np.testing.assert_allclose(norm, clipped.optimizer.clip_norm, rtol=1e-3)


@pytest.mark.long
def test_every_process_traces_the_same_program() -> None:
    """Though Python orders sets of strings differently in each."""
    script = """if True:
        import dataclasses, hashlib, jax
        from tanuki_jax.config.registry import experiment
        from tanuki_jax.planning.plan.lowered_step import lower_step

        tiny = experiment.find("tiny_moe")
        layout = dataclasses.replace(tiny.layout, fsdp=2, expert=4, accumulation=1)
        lowered = lower_step(dataclasses.replace(tiny, layout=layout), jax.devices())
        print(hashlib.sha256(lowered.as_text().encode()).hexdigest())"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script], env=os.environ | {"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE
        )
        for seed in ("1", "2")
    ]
    first, second = (process.communicate()[0] for process in processes)
    assert len(first) == 65 and first == second
