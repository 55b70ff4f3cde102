"""Measurements of adapters, against the metrics of the step that trains them."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest

from tanuki_jax.config.lora import DENSE, LoRA, Projection
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import place_batch, shardings
from tanuki_jax.training.explain.probe import Probe
from tanuki_jax.training.setup import TrainSetup, initial_state
from tanuki_jax.training.step import make_step
from tests.training.explain.conftest import tiny


@pytest.mark.long
@pytest.mark.parametrize(
    ("projections", "groups"),
    [
        (DENSE, ["layer 0", "layer 1"]),
        (("q", "embedding", "output"), ["embedding", "layer 0", "layer 1", "output"]),
    ],
    ids=["layers", "embedding, output"],
)
def test_losses_and_gradients_of_adapters_are_those_of_their_step(
    projections: tuple[Projection, ...], groups: list[str], tmp_path: Path
) -> None:
    whole, of = tiny(tmp_path), LoRA(rank=3, base="float32", projections=projections)
    whole = dataclasses.replace(whole, lora=of, layout=dataclasses.replace(whole.layout, accumulation=1))
    mesh = make_mesh(whole.layout)
    random = np.random.default_rng(0)
    tokens, targets = random.integers(0, 128, (2, 16, 64), np.int32)
    ids, places = np.repeat([1, 2], 32).astype(np.int32), np.tile(np.arange(32, dtype=np.int32), 2)
    weights = random.integers(0, 2, tokens.shape).astype(np.float32)
    rows = Batch(tokens, targets, weights, np.tile(ids, (16, 1)), np.tile(places, (16, 1)))
    with jax.set_mesh(mesh):
        fresh = jax.device_get(jax.jit(lambda: initial_state(whole))())
        fresh["parameters"] = jax.tree.map(
            lambda leaf: random.normal(0, 0.1, leaf.shape).astype(np.float32), fresh["parameters"]
        )
        state = jax.device_put(fresh, shardings(mesh, whole.model, fresh))
        batch = place_batch(mesh, rows, range(16), (1, 16, 64))
        probe = Probe(TrainSetup(whole, mesh))
        losses_nt, norms_g = probe.forward(state, batch).losses_nt, probe.gradient_norms(state, batch)
        _, metrics = make_step(TrainSetup(whole, mesh))(state, batch)
    assert probe.groups == groups
    np.testing.assert_allclose((losses_nt * weights).sum() / weights.sum(), metrics["loss"], rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(norms_g) / weights.sum(), metrics["gradient_norm"], rtol=1e-5)
