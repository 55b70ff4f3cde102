"""Packed conversations and pairs have the loss and the gradients of one record a row, on every mesh."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from numpy.typing import NDArray

from tanuki_jax.config.experiment import Experiment, Layout, NextToken, Objective, Preference, Router
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.objectives.objective import Sums
from tanuki_jax.lm.parallel.mesh import AXES, make_mesh
from tanuki_jax.lm.parallel.sharding import local_rows, place_batch
from tanuki_jax.training.loss import make_loss
from tanuki_jax.training.setup import TrainSetup, initial_state
from tests.training.test_layouts import DENSE_LAYOUTS, MIXTURE_LAYOUTS
from tests.training.test_step import DENSE, ONE_DEVICE, experiment, relative_error

pytestmark = pytest.mark.thorough

MIXTURE = dataclasses.replace(DENSE, experts=4, router_logits="standardized")
NO_AUXILIARY_LOSS = Router(load_balancing_weight=0.0)
OF_ROUTERS = ("expert", "load_balancing", "router")
"""Beginnings of the metrics that are of micro-batches."""
RECORDS, SHORT, LONG = 24, 32, 96
PREFERENCE = Preference(beta=0.5, sft_weight=0.3)
ADAPTED = LoRA(rank=3, alpha=6.0, base="float32", projections=("q", "o"))


class Document(NamedTuple):
    tokens: NDArray[np.int32]
    learned: NDArray[np.float32]


type Record = tuple[Document, ...]
"""A conversation, or the chosen and the rejected answer of a pair."""


def records(documents: int) -> list[Record]:
    """Make rows of so many documents each, of 4 to 15 tokens, whose last half or so is learned."""
    random = np.random.default_rng(0)

    def document() -> Document:
        length = int(random.integers(4, 16))
        return Document(
            random.integers(0, 128, length + 1, np.int32),
            (np.arange(length) >= random.integers(1, length)).astype(np.float32),
        )

    return [tuple(document() for _ in range(documents)) for _ in range(RECORDS)]


def batch(rows: Sequence[Sequence[Record]], time: int) -> Batch[np.ndarray]:
    """[rows, time] in which the documents of each row follow each other."""
    tokens, targets, segment_ids, positions, pair_ids, sides = np.zeros((6, len(rows), time), np.int32)
    weights = np.zeros((len(rows), time), np.float32)
    for row, of_row in enumerate(rows):
        end, segment = 0, 0
        for number, record in enumerate(of_row, 1):
            for side, document in enumerate(record, 1):
                segment += 1
                here = np.s_[row, end : (end := end + len(document.learned))]
                tokens[here], targets[here], weights[here] = document.tokens[:-1], document.tokens[1:], document.learned
                segment_ids[here], positions[here], pair_ids[here], sides[here] = (
                    segment,
                    np.arange(len(document.learned)),
                    number,
                    side,
                )
    plain = Batch(tokens, targets, weights, segment_ids, positions)
    return plain._replace(pair_ids=pair_ids, sides=sides) if len(rows[0][0]) > 1 else plain


def packed(given: Sequence[Record], seed: int) -> Batch[np.ndarray]:
    """Rows of LONG tokens, eight or more, filled with the records in another order."""
    rows: list[list[Record]] = [[] for _ in range(8)]
    left = [LONG] * 8
    for place in np.random.default_rng(seed).permutation(RECORDS):
        size = sum(len(document.learned) for document in given[place])
        row = max(range(8), key=left.__getitem__)
        assert left[row] >= size
        rows[row].append(given[place])
        left[row] -= size
    return batch(rows, LONG)


def tuning(objective: Objective, model: Model, layout: Layout) -> Experiment:
    of = LoRA() if isinstance(objective, NextToken) else ADAPTED
    return dataclasses.replace(experiment(layout, model, NO_AUXILIARY_LOSS), objective=objective, lora=of)


type Computed = tuple[Sums, Any]
"""The sums, and the gradients of what is trained."""


@functools.cache
def program(experiment: Experiment) -> Callable[[Batch[np.ndarray]], Computed]:
    """Return the function that computes them for rows, on the mesh of an experiment."""
    layout = experiment.layout
    mesh = make_mesh(layout, jax.devices()[: math.prod(getattr(layout, axis) for axis in AXES)])
    setup = TrainSetup(experiment, mesh)
    loss, state = make_loss(setup), fresh(experiment)
    state = jax.device_put(state, {**setup.state_shardings, "optimizer": ()})

    def total(trained: Params, batch: Batch[jax.Array]) -> tuple[jax.Array, Sums]:
        micro = jax.tree.map(lambda array: array[0], batch)
        sums = loss(setup.used_parameters(state | {"parameters": trained}), micro, setup.objective.step_context(micro))
        return sums.total, sums

    gradients = jax.jit(jax.grad(total, has_aux=True))

    def computed(rows: Batch[np.ndarray]) -> Computed:
        shape = (1, *rows.tokens.shape)
        with jax.set_mesh(mesh):
            own, sums = jax.device_get(
                gradients(state["parameters"], place_batch(mesh, rows, local_rows(mesh, shape), shape))
            )
        return sums, own

    return computed


def fresh(experiment: Experiment) -> Any:
    """Return a state on the host whose adapters, if any, are not at their initial values."""
    state = jax.device_get(jax.jit(lambda: {**initial_state(experiment), "optimizer": ()})())
    random = np.random.default_rng(1)
    if experiment.lora.rank:
        state["parameters"] = jax.tree.map(
            lambda leaf: leaf + 0.05 * random.standard_normal(leaf.shape, np.float32), state["parameters"]
        )
    return state


@functools.cache
def one_a_row(objective: Objective, model: Model) -> Computed:
    given = records(1 if isinstance(objective, NextToken) else 2)
    return program(tuning(objective, model, ONE_DEVICE))(batch([[record] for record in given], SHORT))


LAYOUTS = [
    pytest.param(DENSE, ONE_DEVICE, id="one device"),
    pytest.param(MIXTURE, ONE_DEVICE, id="one device, mixture", marks=pytest.mark.long),
    *(pytest.param(DENSE, layout, id=name, marks=pytest.mark.long) for name, layout in DENSE_LAYOUTS.items()),
    *(pytest.param(MIXTURE, layout, id=name, marks=pytest.mark.long) for name, layout in MIXTURE_LAYOUTS.items()),
]


@pytest.mark.parametrize(
    "objective", [pytest.param(NextToken(), id="SFT", marks=pytest.mark.long), pytest.param(PREFERENCE, id="DPO")]
)
@pytest.mark.parametrize(("model", "layout"), LAYOUTS)
def test_packed_is_unpacked(model: Model, layout: Layout, objective: Objective) -> None:
    sums, gradients = one_a_row(objective, model)
    given = records(1 if isinstance(objective, NextToken) else 2)
    here = program(tuning(objective, model, dataclasses.replace(layout, accumulation=1)))
    for seed in (0, 1):
        found, own = here(packed(given, seed))
        assert found.weight == sums.weight
        for name, value in sums.parts.items():
            if not name.startswith(OF_ROUTERS):
                np.testing.assert_allclose(found.parts[name], value, rtol=1e-5, atol=1e-5, err_msg=name)
        assert max(jax.tree.leaves(jax.tree.map(relative_error, own, gradients))) < 1e-5
