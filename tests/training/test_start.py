"""The first state of a run that starts from a converted model."""

import dataclasses
import re
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State, read_state, rewrite
from tanuki_jax.config.experiment import Checkpoints, Data, Experiment, HeldOut, Layout, Schedule, Start, Tokenizer
from tanuki_jax.config.model import Model, RopeScaling
from tanuki_jax.data.read_positions import Reading
from tanuki_jax.lm.model.weights import shapes
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.training.runs.run_folder import RunFolder, read_events
from tanuki_jax.training.setup import TrainSetup, TrainState
from tanuki_jax.training.start import begin
from tests.checkpoints.weights import write_weights

MODEL = Model(vocabulary=96, width=32, hidden=48, layers=2, heads=4, kv_heads=2)


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """One that starts from a converted checkpoint, every parameter of which is a half."""

    halves = jax.tree.map(lambda leaf: np.full(leaf.shape, 0.5, leaf.dtype), shapes(MODEL))
    write_weights(tmp_path / "converted", MODEL, halves, tokenizer="tokenizer", sequence_length=4096)
    return one_step(MODEL, Start(checkpoint=str(tmp_path / "converted")), Layout(fsdp=8), tmp_path / "runs")


def one_step(model: Model, start: Start, layout: Layout, runs: Path) -> Experiment:
    """Return an experiment that has only to begin."""
    return Experiment(
        name="small",
        model=model,
        data=Data(mixture="", tokenizer=Tokenizer(path="t"), stores="", sequence_length=64, batch_rows=16),
        steps=1,
        schedule=Schedule(peak=1e-2),
        checkpoints=Checkpoints(every_steps=1),
        held_out=HeldOut(every_steps=1, rows=16),
        layout=layout,
        start=start,
        runs=str(runs),
    )


class Same:
    """Batches that never changed."""

    fingerprint = "fingerprint"
    continued = ()

    def set_reading(self, reading: Reading) -> None:
        pass

    def has_made(self, fingerprint: str, data_step: int) -> bool:
        return fingerprint == self.fingerprint


def begun(experiment: Experiment) -> tuple[TrainState, State]:
    return begin(TrainSetup(experiment, make_mesh(experiment.layout)), RunFolder(experiment, writes=True), Same())


def test_a_run_starts_with_the_parameters_of_a_converted_model(experiment: Experiment) -> None:
    state, at = begun(experiment)
    assert {float(value) for leaf in jax.tree.leaves(state["parameters"]) for value in np.unique(leaf)} == {0.5}
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(state["optimizer"]))
    assert at == State(
        step=0, tokens=0, skipped=(), model=MODEL, tokenizer="t", sequence_length=64, data="fingerprint", files={}
    )


def test_a_converted_model_has_no_optimizer_state_to_load(experiment: Experiment) -> None:
    start = dataclasses.replace(experiment.start, load="parameters_and_optimizer")
    with pytest.raises(InputError, match=r"converted has no optimizer state .*; start with --start\.load=parameters$"):
        begun(dataclasses.replace(experiment, start=start))
    assert not (Path(experiment.runs) / "small" / "events.jsonl").exists()


def test_weights_that_would_be_stored_in_other_groups_are_refused(experiment: Experiment) -> None:
    windowed = dataclasses.replace(MODEL, window=16)
    state, _ = begun(dataclasses.replace(experiment, model=windowed))
    assert state["parameters"]["blocks"]["q"].shape[0] == 2
    complaint = (
        r"stores its layers in groups of 2, and with model\.window 16 and model\.global_every 2 they would be "
        r"groups of 1, 1; keep its model\.window \(0\) and model\.global_every \(0\)$"
    )
    with pytest.raises(InputError, match=complaint):
        begun(dataclasses.replace(experiment, name="other", model=dataclasses.replace(windowed, global_every=2)))


@pytest.mark.parametrize(("ours", "more"), [(64, ""), (128, ", or write one with more tokens by `convert add-tokens`")])
def test_another_vocabulary_than_the_checkpoints_is_refused(experiment: Experiment, ours: int, more: str) -> None:
    complaint = f"its vocabulary is 96, the config's {ours}; set --model.vocabulary=96{more}"
    with pytest.raises(InputError, match=f"{re.escape(complaint)}$"):
        begun(dataclasses.replace(experiment, model=dataclasses.replace(MODEL, vocabulary=ours)))


def test_the_state_of_another_optimizer_is_refused(experiment: Experiment, tmp_path: Path) -> None:
    converted, own = tmp_path / "converted", tmp_path / "runs" / "small" / "checkpoints" / "00000000"
    (converted / "optimizer").mkdir()
    rewrite(converted, dataclasses.replace(read_state(converted), optimizer="Muon", data="fingerprint"))
    start = dataclasses.replace(experiment.start, load="parameters_and_optimizer")
    complaint = "has the optimizer state of Muon, and the config has AdamW; keep `optimizer`, or "
    with pytest.raises(InputError, match=rf"{complaint}start with --start\.load=parameters$"):
        begun(dataclasses.replace(experiment, start=start))
    shutil.copytree(converted, own)
    with pytest.raises(InputError, match=rf"{complaint}begin another run with --name and --start\.checkpoint=.*small$"):
        begun(experiment)


def test_a_run_with_only_damaged_checkpoints_does_not_start_over(experiment: Experiment, tmp_path: Path) -> None:
    own = tmp_path / "runs" / "small" / "checkpoints" / "00000001"
    shutil.copytree(tmp_path / "converted", own)
    (own / "base" / "_METADATA").write_text("{}")
    with pytest.raises(InputError, match=r"every checkpoint in .*small/checkpoints is damaged"):
        begun(experiment)
    assert own.exists()


def test_a_start_says_what_changes_what_its_weights_compute(
    experiment: Experiment, caplog: pytest.LogCaptureFixture
) -> None:
    other = dataclasses.replace(
        MODEL, rope_theta=5e5, norm_epsilon=1e-6, initial_std=0.5, rope_scaling=RopeScaling(factor=8.0)
    )
    with caplog.at_level("WARNING"):
        begun(dataclasses.replace(experiment, model=other))
    said = [message.split(", with which")[0] for message in caplog.messages]
    assert said == [
        "model.rope_theta changes from 10000",
        "model.rope_scaling changes from factor 1, low_frequency_factor 1, high_frequency_factor 4, original_length "
        "8192",
        "model.norm_epsilon changes from 1e-05",
    ]
    assert "to 500000, the config's: expect a higher loss at the start" in caplog.messages[0]
    events = read_events(Path(experiment.runs) / "small")
    assert events[0]["changed"]["model.rope_theta"] == ["10000", "500000"]
