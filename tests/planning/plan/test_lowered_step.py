"""Training steps of the largest configs, compiled for devices that are not present."""

import dataclasses
from typing import Any, Literal

import jax
import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment, Layout, Preference
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.registry import experiment
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import local_rows, place_batch, shardings
from tanuki_jax.planning.plan.lowered_step import lower_step
from tanuki_jax.planning.plan.target import parse
from tanuki_jax.training.setup import TrainSetup, TrainState, initial_state
from tanuki_jax.training.step import make_step

GIB = 2**30


def test_a_batch_that_the_devices_do_not_divide_is_refused() -> None:
    odd = dataclasses.replace(experiment.find("tiny"), layout=Layout(fsdp=8, accumulation=16))
    with pytest.raises(InputError, match="a micro-batch of 1 rows"):
        lower_step(odd, jax.devices())


@pytest.mark.parametrize(
    "layout",
    [
        Layout(data=2, fsdp=4, accumulation=2, compute_dtype="float32"),
        Layout(fsdp=2, tensor=2, context=2, zero=1, remat="full", compute_dtype="float32"),
        pytest.param(
            Layout(stage=2, microbatches=4, fsdp=2, tensor=2, remat="attention", compute_dtype="float32"),
            marks=pytest.mark.long,
        ),
    ],
    ids=["data, fsdp", "context, tensor, zero 1", "stage"],
)
def test_the_step_that_is_planned_is_the_step_that_is_trained(layout: Layout) -> None:
    """Compares StableHLO of `plan --target=cpu:1x8` and of the call that `train` makes on eight devices."""
    _assert_the_same(dataclasses.replace(experiment.find("tiny"), layout=layout), {})


@pytest.mark.parametrize(
    ("reference", "fields"),
    [
        ("adapter_off", ["pair_ids", "sides"]),
        pytest.param("stored", ["pair_ids", "sides", "reference_logps"], marks=pytest.mark.long),
    ],
)
def test_the_planned_step_of_a_preference_objective_has_pairs(
    reference: Literal["adapter_off", "stored"], fields: list[str]
) -> None:
    tiny, layout = experiment.find("tiny"), Layout(fsdp=4, data=2, accumulation=2, compute_dtype="float32")
    pairs = dataclasses.replace(tiny, lora=LoRA(rank=2), objective=Preference(reference=reference), layout=layout)
    _assert_the_same(pairs, {name: np.float32 if name == "reference_logps" else np.int32 for name in fields})


def _assert_the_same(whole: Experiment, fields: dict[str, Any]) -> None:
    """Compare the planned step with that of `train` on a batch with additional `fields`."""
    planned = lower_step(whole, parse("cpu:1x8").devices()).as_text()

    layout, mesh = whole.layout, make_mesh(whole.layout)
    step: Any = make_step(TrainSetup(whole, mesh))
    rows = np.zeros((whole.data.batch_rows, whole.data.sequence_length), np.int32)
    shape = (layout.accumulation, whole.data.batch_rows // layout.accumulation, whole.data.sequence_length)
    local = Batch(rows, rows, rows.astype(np.float32), rows, rows)._replace(
        **{name: rows.astype(kind) for name, kind in fields.items()}
    )
    with jax.set_mesh(mesh):
        batch = place_batch(mesh, local, local_rows(mesh, shape), shape)
        trained = step.lower(_zeros(whole, mesh), batch).as_text()
    assert trained == planned and len(planned) > 10_000


def _zeros(whole: Experiment, mesh: jax.sharding.Mesh) -> TrainState:
    """Return a train state of zeros with the shardings of `train`; drawing weights would take long."""
    shapes = jax.eval_shape(lambda: initial_state(whole))

    def place(leaf: jax.ShapeDtypeStruct, sharding: jax.sharding.Sharding) -> jax.Array:
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: np.zeros(leaf.shape, leaf.dtype)[index])

    state: TrainState = jax.tree.map(place, shapes, shardings(mesh, whole.model, shapes))
    return state


@pytest.mark.gpu_compile
@pytest.mark.parametrize("nodes", [pytest.param(8, marks=pytest.mark.long), 16])
def test_8x8b_at_4096_with_3072_rows_fits_h100s(nodes: int) -> None:
    """Uses the config's layout; memory is left for what the compiler does not count, such as communication buffers."""
    whole = experiment.find("8x8b_0806")
    assert (whole.data.sequence_length, whole.data.batch_rows) == (4096, 3072)
    compiled = lower_step(whole, parse(f"h100:{nodes}x8").devices()).compile()
    memory = compiled.memory_analysis()
    assert memory is not None
    assert memory.peak_memory_in_bytes < 72 * GIB
    program = compiled.as_text() or ""
    assert "ragged-all-to-all" in program
    assert "8,4096,14336]" not in program and "8,14336,4096]" not in program, "experts were gathered over `expert`"


@pytest.mark.gpu_compile
def test_four_layers_of_the_8x8b_fit_one_h200() -> None:
    """Plans `bench step --config=8x8b --layers=4` with the policy that keeps most apart from `none`."""
    whole = experiment.find("8x8b")
    four = dataclasses.replace(
        whole,
        model=dataclasses.replace(whole.model, layers=4),
        data=dataclasses.replace(whole.data, batch_rows=16),
        layout=Layout(data=1, remat="dots"),
    )
    memory = lower_step(four, parse("h200:1").devices()).compile().memory_analysis()
    assert memory is not None and memory.peak_memory_in_bytes < 130 * GIB
