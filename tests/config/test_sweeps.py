"""The shipped sweeps: their trials are valid, and the upstream tables are mapped as their docstrings say."""

import math

import pytest

from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.sweep import Trial
from tanuki_jax.config.validate import validate

PHASE1 = {int(trial.name.split()[1].rstrip(":")): trial for trial in registry.sweep.find("layouts_phase1").grid()}


def planned(trial: Trial) -> Experiment:
    assert isinstance(trial.experiment, Experiment), trial.experiment
    return trial.experiment


@pytest.mark.parametrize("name", registry.sweep.names())
def test_every_trial_is_valid_or_has_a_reason(name: str) -> None:
    for trial in registry.sweep.find(name).grid():
        if isinstance(trial.experiment, str):
            assert trial.reference.get("outcome") in ("does not divide", "an error")
        else:
            validate(trial.experiment)


@pytest.mark.parametrize("name", ["layouts_phase1", "layouts_phase2"])
def test_layouts_use_all_devices_of_their_cluster(name: str) -> None:
    for trial in registry.sweep.find(name).grid():
        if isinstance(trial.experiment, Experiment):
            layout, (nodes, gpus) = trial.experiment.layout, map(int, trial.target.removeprefix("h100:").split("x"))
            assert layout.data * layout.fsdp * layout.tensor * layout.stage == nodes * gpus


def test_phase1_has_all_rows_with_a_layout() -> None:
    assert sorted(PHASE1) == list(range(3, 88))
    refused = {row: trial.experiment for row, trial in PHASE1.items() if isinstance(trial.experiment, str)}
    assert refused == {
        10: "6 stages of 6 GPUs each do not divide 16 GPUs",
        23: "3 stages of 3 GPUs each do not divide 24 GPUs",
        24: "3 stages of 3 GPUs each do not divide 24 GPUs",
        52: "512 rows are not a multiple of 8 replicas x micro-batches of 3 rows",
        70: "512 rows are not a multiple of 4 replicas x micro-batches of 3 rows",
        75: "1536 rows are not a multiple of 24 replicas x micro-batches of 3 rows",
    }


def test_a_row_becomes_the_layout_that_it_names() -> None:
    experiment = planned(PHASE1[76])
    layout = experiment.layout
    assert (layout.stage, layout.tensor, layout.fsdp, layout.data, layout.zero, layout.remat) == (6, 1, 4, 1, 1, "full")
    assert experiment.data.batch_rows == layout.accumulation * layout.microbatches * layout.fsdp * 3
    assert abs(experiment.data.batch_rows - 1536) < layout.microbatches * layout.fsdp * 3
    assert dict(PHASE1[76].reference) == {"tflops": 187.5, "issued_tflops": 250, "needed_gib": 40}
    assert PHASE1[76].target == "h100:3x8"


def test_without_a_micro_batch_a_replica_processes_all_rows_at_once() -> None:
    for row, at_once in {42: 4, 33: 12, 12: 8}.items():
        experiment = planned(PHASE1[row])
        layout = experiment.layout
        assert layout.accumulation == 1
        assert experiment.data.batch_rows // (layout.data * layout.fsdp) == at_once


def test_zero_0_keeps_replicas_and_an_out_of_memory_mark_is_kept() -> None:
    layout = planned(PHASE1[54]).layout
    assert (layout.data, layout.fsdp) == (8, 1)
    assert dict(PHASE1[54].reference) == {"outcome": "out of memory"}


@pytest.mark.parametrize(("row", "billions"), [(13, 2.7), (86, 6), (42, 7), (3, 10), (49, 13)])
def test_models_are_near_their_nominal_size(row: int, billions: float) -> None:
    """Count by hand: four attention matrices of D x D and three of D x F a layer, and two embeddings."""
    model = planned(PHASE1[row]).model
    count = model.layers * (4 * model.width**2 + 3 * model.width * model.hidden) + 2 * model.vocabulary * model.width
    assert count / 1e9 == pytest.approx(billions, rel=0.08)


def test_phase2_models_have_the_tables_shape() -> None:
    for trial in registry.sweep.find("layouts_phase2").grid():
        model = planned(trial).model
        assert (model.width, model.heads, model.hidden, model.head_dim) == (6144, 48, 21_504, 128)
        assert model.layers in (56, 70, 80, 85)
        assert trial.target == "h100:16x8"


def test_a_batch_sweep_reads_the_same_tokens() -> None:
    tokens = {planned(trial).steps * planned(trial).data.batch_rows for trial in registry.sweep.find("batch").grid()}
    assert len(tokens) == 1
    rates = {
        planned(trial).data.batch_rows: planned(trial).schedule.peak for trial in registry.sweep.find("batch").grid()
    }
    assert rates[32] / rates[8] == pytest.approx(math.sqrt(32 / 8))
