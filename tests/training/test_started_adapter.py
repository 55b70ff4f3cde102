"""Adapters that are trained further: what a run begins with, and what is refused."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import merging
from tanuki_jax.checkpoints.format import State, read_state
from tanuki_jax.checkpoints.parameters import load
from tanuki_jax.config.experiment import Experiment, Layout, Start
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.convert import main
from tanuki_jax.lm.model.transformer import initialise
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.training.runs.run_folder import RunFolder, read_events
from tanuki_jax.training.setup import TrainSetup, TrainState
from tanuki_jax.training.start import begin
from tanuki_jax.training.started_adapter import choose_started
from tests.checkpoints.weights import write_adapter, write_weights
from tests.lm.model.test_lora import logits
from tests.training.test_start import Same, one_step

pytestmark = pytest.mark.thorough

MODEL = Model(vocabulary=96, width=32, hidden=48, layers=2, heads=4, kv_heads=2, initial_std=0.2)
OF = LoRA(rank=3, alpha=6.0, projections=("q", "down", "embedding", "output"), base="float32", name="first")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    write_weights(tmp_path / "base", MODEL, jax.tree.map(np.asarray, initialise(MODEL, jax.random.key(0))))
    return tmp_path / "base"


def going_on(start: Path, of: LoRA = OF) -> Experiment:
    started = Start(checkpoint=str(start), load="adapter")
    plain = one_step(MODEL, started, Layout(fsdp=2, tensor=2, data=2), start.parent / "runs")
    return dataclasses.replace(plain, name="further", lora=of)


def begun(experiment: Experiment) -> tuple[TrainState, State, Any]:
    setup = TrainSetup(experiment, make_mesh(experiment.layout))
    state, at = begin(setup, RunFolder(experiment, writes=True), Same())
    return state, at, setup.used_parameters(state)


def test_a_run_begins_with_the_adapter_over_its_base(base: Path, caplog: pytest.LogCaptureFixture) -> None:
    values: Params = write_adapter(base.with_name("tuned"), base, OF)
    other = dataclasses.replace(OF, name="second", dropout=0.1, projections=OF.projections[::-1])
    experiment = going_on(base.with_name("tuned"), other)
    with caplog.at_level("WARNING"):
        state, at, used = begun(experiment)
    jax.tree.map(np.testing.assert_array_equal, state["parameters"], values)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(state["optimizer"])) and state["accepted"] == 0
    assert (at.base, at.base_fingerprint) == (str(base), read_state(base.with_name("tuned")).base_fingerprint)
    assert (at.adapters, at.step, at.tokens) == ({"second": other}, 0, 0)
    merged = load(base.with_name("tuned"), "float32", lambda model, tree: tree_on_one_device(tree))
    found, expected = logits(jax.device_get(used), MODEL), logits(merged, MODEL)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())

    said = [message.split(", with which")[0] for message in caplog.messages]
    assert said == ["lora.dropout changes from 0", "lora.name changes from first"]
    assert caplog.messages[0].endswith("to 0.1, the config's")
    [event] = read_events(base.with_name("runs") / "further")
    assert (event["load"], event["adapter"], event["base"]) == ("adapter", "first", str(base))
    assert event["changed"] == {"lora.dropout": ["0", "0.1"], "lora.name": ["first", "second"]}


def tree_on_one_device(tree: Any) -> Any:
    device = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device), tree)


def test_another_type_of_the_base_is_said_to_raise_the_loss(base: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_adapter(base.with_name("tuned"), base, OF)
    with caplog.at_level("WARNING"):
        begun(going_on(base.with_name("tuned"), dataclasses.replace(OF, base="bfloat16")))
    assert caplog.messages[0].startswith("lora.base changes from float32")
    assert caplog.messages[0].endswith("to bfloat16, the config's: expect a higher loss at the start")


def test_an_imported_adapter_of_peft_is_trained_further(base: Path, tmp_path: Path) -> None:
    values: Params = write_adapter(tmp_path / "tuned", base, OF)
    main(["to-peft", str(tmp_path / "tuned"), str(tmp_path / "theirs")])
    main(["from-peft", str(tmp_path / "theirs"), str(tmp_path / "ours"), "--base", str(base)])
    state, at, _ = begun(going_on(tmp_path / "ours"))
    jax.tree.map(np.testing.assert_array_equal, state["parameters"], values)
    assert at.base == str(base)


def test_of_several_adapters_the_one_of_the_runs_name_is_taken(base: Path, tmp_path: Path) -> None:
    second = dataclasses.replace(OF, rank=2, name="second")
    write_adapter(tmp_path / "one", base, OF)
    values: Params = write_adapter(tmp_path / "another", base, second)
    merging.combine([tmp_path / "one", tmp_path / "another"], tmp_path / "both")
    state, _, _ = begun(going_on(tmp_path / "both", second))
    jax.tree.map(np.testing.assert_array_equal, state["parameters"], values)
    with pytest.raises(
        InputError, match=r"lora\.name is 'third', and the checkpoint .* has the adapters first, second"
    ):
        begun(going_on(tmp_path / "both", dataclasses.replace(OF, name="third")))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("rank", 4, "lora.rank is 4, and the adapter first of there was trained with 3"),
        ("alpha", 7.5, "lora.alpha is 7.5, and the adapter first of there was trained with 6"),
        ("rslora", True, "lora.rslora is True, and the adapter first of there was trained with False"),
        ("dora", True, "lora.dora is True, and the adapter first of there was trained with False"),
        (
            "projections",
            ("q", "down"),
            "lora.projections is q, down, and the adapter first of there was trained with q, down, embedding, output",
        ),
    ],
)
def test_another_adapter_than_the_configs_is_refused(field: str, value: Any, sentence: str) -> None:
    state = dataclasses.replace(State.converted(MODEL, 64), adapters={"first": OF})
    wanted = dataclasses.replace(OF, **{field: value})
    remedy = "; set it to that, or start with --start.load=parameters, which merges the adapter and trains a new one"
    with pytest.raises(InputError, match=f"^{re.escape(sentence + remedy)}$"):
        choose_started(Path("there"), state, wanted)


def test_a_checkpoint_without_adapters_is_refused(base: Path) -> None:
    complaint = r"start\.load is adapter, but the checkpoint .*base has none; start with --start\.load=parameters"
    with pytest.raises(InputError, match=complaint):
        begun(going_on(base))
    assert not base.with_name("runs").exists()


def test_a_base_that_has_changed_is_refused(base: Path, tmp_path: Path) -> None:
    write_adapter(tmp_path / "tuned", base, OF)
    base.rename(tmp_path / "away")
    with pytest.raises(InputError, match=r"the adapters of .*tuned need the parameters of .*base, but there is no"):
        begun(going_on(tmp_path / "tuned"))
