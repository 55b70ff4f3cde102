"""References computed once: on any mesh what each document has alone, and kept for the next time."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import (
    Checkpoints,
    Experiment,
    HeldOut,
    Layout,
    NextToken,
    Objective,
    Preference,
    Schedule,
    from_checkpoint,
)
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.data.loader import Loader
from tanuki_jax.data.store import Store
from tanuki_jax.lm.model import lora
from tanuki_jax.lm.model.quantized_base import quantize_base
from tanuki_jax.lm.model.transformer import Ops, hidden_states, initialise, output_matrix
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.training.reference import check_records, stored_reference
from tanuki_jax.training.setup import TrainSetup
from tests.checkpoints.weights import write_adapter, write_weights
from tests.data.test_loader import data, is_learned, mixture, write_store

pytestmark = pytest.mark.thorough

MODEL = Model(vocabulary=256, width=32, hidden=48, layers=2, heads=8, kv_heads=4, initial_std=0.3)
ALL_TRAINED, FOUR_BITS = LoRA(), LoRA(rank=2, base="nf4")
SIZES = [5, 4, 9, 6, 3, 4, 7, 7, 4, 8, 5, 5, 6, 3, 8, 8]


def checkpoint(folder: Path) -> Params:
    """Write a store, and return its content."""
    params: Params = jax.tree.map(np.asarray, initialise(MODEL, jax.random.key(0)))

    write_weights(folder, MODEL, params)
    return params


def experiment(layout: Layout, start: Path) -> Experiment:
    return Experiment(
        name="reference",
        model=MODEL,
        data=data(sequence_length=16, batch_rows=8, held_out_share=0.3),
        steps=1,
        schedule=Schedule(peak=1.0),
        objective=Preference(reference="stored"),
        checkpoints=Checkpoints(every_steps=1),
        held_out=HeldOut(every_steps=1, rows=8),
        layout=dataclasses.replace(layout, compute_dtype="float32"),
        start=from_checkpoint(str(start)),
    )


@jax.jit
def log_probabilities(params: Params, inputs_1t: jax.Array, length: jax.Array) -> jax.Array:
    """Return those of every token after each of the first `length` ones, by a forward pass of nothing else."""
    positions = jnp.arange(inputs_1t.shape[1])[None]
    states, _ = hidden_states(
        params,
        inputs_1t,
        (positions < length).astype(jnp.int32),
        positions,
        MODEL,
        Ops(),
        compute_dtype="float32",
    )
    return jax.nn.log_softmax(states[0] @ output_matrix(params))


def alone(params: Params, tokens: npt.NDArray[Any]) -> float:
    """Log-probability of a document's learned targets, of a forward pass of it alone."""
    inputs = np.zeros((1, max(SIZES)), np.int32)
    inputs[0, : len(tokens) - 1] = tokens[:-1]
    logps = np.asarray(log_probabilities(params, jnp.asarray(inputs), jnp.int32(len(tokens) - 1)))
    return float(
        sum(logps[place, target] for place, target in enumerate(tokens[1:]) if is_learned(np.array([target]))[0])
    )


def each_alone(params: Params) -> list[float]:
    """Return the values of each document of a store of SIZES."""
    ends = np.cumsum(SIZES)
    return [alone(params, np.arange(end - size, end, dtype=np.int32)) for end, size in zip(ends, SIZES, strict=True)]


def test_every_document_is_computed_once_as_if_alone_on_any_mesh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = checkpoint(tmp_path / "start")
    expected = each_alone(params)

    def found(store: Store, layout: Layout, of: LoRA = ALL_TRAINED) -> npt.NDArray[np.float32]:
        whole, mesh = dataclasses.replace(experiment(layout, tmp_path / "start"), lora=of), make_mesh(layout)
        loader = Loader({store.name: store}, mixture((0, {store.name: 1.0})), whole.data, 0)
        before = loader.fingerprint
        with jax.set_mesh(mesh):
            reference = stored_reference(TrainSetup(whole, mesh), loader, {store.name: store})
        assert reference is not None
        loader.set_reference(reference)
        batch = loader.batch(0, slice(None))
        assert batch.reference_logps is not None and batch.reference_logps.any()
        assert loader.fingerprint != before
        return reference[store.name]

    store = write_store(tmp_path / "pairs", 0, SIZES, documents_per_record=2)
    np.testing.assert_allclose(found(store, Layout(fsdp=2, tensor=2, context=2, accumulation=2)), expected, rtol=1e-4)
    quantized = found(store, Layout(fsdp=2, data=4), FOUR_BITS)
    np.testing.assert_allclose(
        quantized, each_alone(jax.jit(quantize_base, static_argnums=(0, 2))(MODEL, params, FOUR_BITS)), rtol=1e-4
    )
    assert np.abs(quantized - expected).max() > 1e-3
    monkeypatch.setattr("tanuki_jax.training.reference.load_start", None)
    np.testing.assert_allclose(found(store, Layout(data=8)), expected, rtol=1e-4)


def test_the_reference_of_a_started_adapter_is_base_and_adapter(tmp_path: Path) -> None:
    """The model at the start of the run, not its base alone."""
    of = LoRA(rank=2, alpha=1.0, base="float32", projections=("q", "down", "embedding", "output"))
    params = checkpoint(tmp_path / "start")
    adapter = write_adapter(tmp_path / "tuned", tmp_path / "start", of)
    expected = each_alone(lora.merged(MODEL, params, adapter, of))
    layout = Layout(fsdp=2, tensor=2, context=2)
    whole = dataclasses.replace(
        experiment(layout, tmp_path / "tuned"), lora=of, start=from_checkpoint(str(tmp_path / "tuned"), "adapter")
    )
    store = write_store(tmp_path / "pairs", 0, SIZES, documents_per_record=2)

    def found(whole: Experiment) -> npt.NDArray[np.float32]:
        mesh = make_mesh(layout)
        loader = Loader({store.name: store}, mixture((0, {store.name: 1.0})), whole.data, 0)
        with jax.set_mesh(mesh):
            reference = stored_reference(TrainSetup(whole, mesh), loader, {store.name: store})
        assert reference is not None
        return reference[store.name]

    np.testing.assert_allclose(found(whole), expected, rtol=1e-4)
    assert np.abs(np.array(expected) - each_alone(params)).max() > 0.1
    assert len(list((store.folder / "reference").iterdir())) == 1
    kept_otherwise = dataclasses.replace(whole, lora=dataclasses.replace(of, base="bfloat16"))
    assert np.abs(found(kept_otherwise) - expected).max() > 1e-4


def test_a_loss_without_a_stored_reference_needs_none(tmp_path: Path) -> None:
    whole = experiment(Layout(), tmp_path)
    for objective in (NextToken(), Preference(), Preference(loss="orpo", reference="stored")):
        other = dataclasses.replace(whole, objective=objective)
        assert stored_reference(TrainSetup(other, make_mesh(Layout())), None, {}) is None  # type: ignore[arg-type]


def test_an_objective_and_stores_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    def check(objective: Objective, together: int) -> None:
        store = write_store(
            tmp_path / f"{objective} {together}", 0, [5, 4, 6] * together, documents_per_record=together
        )
        whole = dataclasses.replace(experiment(Layout(), tmp_path), objective=objective)
        loader = Loader({store.name: store}, mixture((0, {store.name: 1.0})), whole.data, 0)
        check_records(TrainSetup(whole, make_mesh(Layout())), loader)

    check(NextToken(), 1)
    with pytest.raises(InputError, match="the objective NextToken needs sources of the form text or chat"):
        check(NextToken(), 2)
    with pytest.raises(InputError, match="the objective Preference needs sources of the form kto, with 3 document"):
        check(Preference(loss="kto"), 2)
