"""PEFT's format: there and back again, and what cannot be read."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load_file, save_file

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import peft
from tanuki_jax.checkpoints.format import read_state
from tanuki_jax.checkpoints.restore import Parameters
from tanuki_jax.config.lora import LoRA
from tanuki_jax.convert import main
from tests.checkpoints.conftest import Adapt, MakeNative

OUTSIDE = LoRA(rank=3, alpha=6.5, projections=("q", "embedding", "output"), name="mine")
OF = LoRA(rank=3, alpha=6.5, dora=True, rslora=True, dropout=0.1, projections=("q", "o", "gate"), name="mine")


def test_an_adapter_comes_back_bit_for_bit(make_native: MakeNative, adapt: Adapt, tmp_path: Path) -> None:
    base = make_native(kv_heads=4)
    tuned = adapt(base, "tuned", OF)
    main(["to-peft", str(tuned), str(tmp_path / "theirs")])
    main(["from-peft", str(tmp_path / "theirs"), str(tmp_path / "back"), "--base", str(base.path), "--name", "again"])
    state = read_state(tmp_path / "back")
    assert state.adapters == {"again": dataclasses.replace(OF, name="again")}
    assert (state.base, state.base_fingerprint) == (str(base.path), read_state(tuned).base_fingerprint)
    before, after = Parameters(tuned, "adapters"), Parameters(tmp_path / "back", "adapters")
    for projection in OF.projections:
        for part in "abm":
            name = f"blocks.{projection}.{part}"
            np.testing.assert_array_equal(after.read(f"again.{name}"), before.read(f"mine.{name}"))


def test_an_adapter_of_embedding_and_output_comes_back(make_native: MakeNative, adapt: Adapt, tmp_path: Path) -> None:
    base = make_native()
    tuned, theirs = adapt(base, "tuned", OUTSIDE), tmp_path / "theirs"
    peft.write(tuned, theirs, "")
    assert json.loads((theirs / peft.CONFIG).read_text())["target_modules"] == ["embed_tokens", "lm_head", "q_proj"]
    tensors = load_file(theirs / peft.TENSORS)
    before = "base_model.model."
    outside = {name.removeprefix(before): values.shape for name, values in tensors.items() if ".layers." not in name}
    assert outside == {
        "model.embed_tokens.lora_embedding_A": (3, 400),
        "model.embed_tokens.lora_embedding_B": (32, 3),
        "lm_head.lora_A.weight": (3, 32),
        "lm_head.lora_B.weight": (400, 3),
    }
    # As PEFT saves it: with the base's matrices.
    kept = {
        f"{before}model.embed_tokens.base_layer.weight": np.asarray(base.values["embedding"]),
        f"{before}lm_head.base_layer.weight": np.ascontiguousarray(base.values["output"].T),
    }
    save_file(tensors | kept, theirs / peft.TENSORS)
    assert peft.read(theirs, base.path, tmp_path / "back", "mine") == OUTSIDE
    ours, again = Parameters(tuned, "adapters"), Parameters(tmp_path / "back", "adapters")
    for name in ("blocks.q.a", "embedding.a", "embedding.b", "output.a", "output.b"):
        np.testing.assert_array_equal(again.read(f"mine.{name}"), ours.read(f"mine.{name}"))

    def refusal(model: Path, changed: dict[str, npt.NDArray[Any]], **settings: object) -> str:
        save_file(tensors | changed, theirs / peft.TENSORS)
        config = json.loads((theirs / peft.CONFIG).read_text())
        (theirs / peft.CONFIG).write_text(json.dumps(config | settings))
        with pytest.raises(InputError) as raised:
            peft.read(theirs, model, tmp_path / "out", "mine")
        return str(raised.value)

    resized = {name: np.concatenate([values, values[:2]]) for name, values in kept.items()}
    for name, other in resized.items():
        assert f"has the tensor {name}, which is not the " in refusal(base.path, {name: other})
        assert f"has the tensor {name}, which is not the " in refusal(base.path, {name: 1.1 * kept[name]})
    tied = make_native("tied", tied=True)
    assert "one matrix is both embedding and output (model.tied), which cannot have an adapter" in refusal(
        tied.path, {}
    )
    assert "lora.dora is not for adapters of embedding, output" in refusal(base.path, {}, use_dora=True)


def test_the_base_model_is_named_if_it_is_given(
    make_native: MakeNative, adapt: Adapt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = make_native()
    tuned = adapt(base, "tuned", dataclasses.replace(OF, base="nf4"))
    main(["to-peft", str(tuned), str(tmp_path / "named"), "--base", "someone/a-model"])
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'named'}: the adapter mine of {tuned}, rank 3, of q, o, gate\n"
    assert said.err == "it was trained with base weights in nf4; with other base weights its outputs differ slightly\n"
    main(["to-peft", str(tuned), str(tmp_path / "unnamed")])
    expected = (
        f"it names no base model: write that with `convert to-hf {base.path} FOLDER`, and give the folder to PEFT"
    )
    assert capsys.readouterr().err.startswith(expected)
    names = [
        json.loads((tmp_path / out / peft.CONFIG).read_text())["base_model_name_or_path"]
        for out in ("named", "unnamed")
    ]
    assert names == ["someone/a-model", None]


def test_which_modules_are_adapted_may_be_said_in_any_way(
    make_native: MakeNative, adapt: Adapt, tmp_path: Path
) -> None:
    base = make_native()
    peft.write(adapt(base, "tuned", OF), tmp_path / "theirs", "")
    path = tmp_path / "theirs" / peft.CONFIG
    config = json.loads(path.read_text())
    ways = (None, "all-linear", r".*\.(q_proj|o_proj|gate_proj)", ["self_attn.q_proj", "o_proj", "gate_proj", "w1"])
    for number, targets in enumerate(ways):
        path.write_text(json.dumps(config | {"target_modules": targets}))
        assert peft.read(tmp_path / "theirs", base.path, tmp_path / str(number), "mine") == OF


def test_tensors_of_another_kind_are_refused(make_native: MakeNative, adapt: Adapt, tmp_path: Path) -> None:
    base, theirs = make_native(), tmp_path / "theirs"
    peft.write(adapt(base, "tuned", OF), theirs, "")
    tensors = load_file(theirs / peft.TENSORS)
    name, values = next(iter(tensors.items()))
    infinite = values.copy()
    infinite[0] = np.inf
    others: dict[str, npt.NDArray[Any]] = {
        "type I8": values.astype(np.int8),
        "type F64": values.astype(np.float64),
        "type F8_E4M3": values.astype(ml_dtypes.float8_e4m3fn),
        "NaN or infinity": infinite,
    }
    for complaint, other in others.items():
        save_file(tensors | {name: other}, theirs / peft.TENSORS)
        with pytest.raises(InputError, match=complaint):
            peft.read(theirs, base.path, tmp_path / "out", "default")


def test_what_is_no_adapter_of_the_model_is_refused(make_native: MakeNative, adapt: Adapt, tmp_path: Path) -> None:
    base, wider, deeper = make_native(), make_native("wider", hidden=64), make_native("deeper", layers=4)
    tuned = adapt(base, "tuned", OF)
    theirs, out = tmp_path / "theirs", tmp_path / "out"
    peft.write(tuned, theirs, "")

    def refusal(model: Path = base.path) -> str:
        with pytest.raises(InputError) as raised:
            peft.read(theirs, model, out, "default")
        assert not out.exists() and "\n" not in str(raised.value)
        return str(raised.value)

    assert "gate_proj.lora_B.weight of shape (56, 3), not (64, 3); the adapter is for another model" in refusal(
        wider.path
    )
    assert "lacks the tensor base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight" in refusal(deeper.path)
    config, tensors = json.loads((theirs / peft.CONFIG).read_text()), load_file(theirs / peft.TENSORS)
    save_file(tensors | {"base_model.model.score.lora_A.weight": np.zeros(3, np.float32)}, theirs / peft.TENSORS)
    expected = "score.lora_A.weight, whose module is left out by target_modules of "
    assert expected in refusal()
    (theirs / peft.CONFIG).write_text(json.dumps(config | {"target_modules": "all-linear"}))
    assert "score.lora_A.weight, for which the model of" in refusal()
    save_file(tensors, theirs / peft.TENSORS)
    wrong = {
        "bias": "all",
        "rank_pattern": {"q_proj": 2},
        "peft_type": "IA3",
        "layer_replication": [[0, 2]],
        "fan_in_fan_out": True,
        "r": "two",
        "lora_alpha": [16],
        "use_dora": "no",
        "init_lora_weights": "pissa_niter_4",
        "layers_to_transform": 0,
        "lora_bias": True,
        "use_qalora": True,
        "a_field_of_tomorrow": {"a": 1},
        "target_modules": ["v_proj"],
        "exclude_modules": ["q_proj"],
    }
    for field, value in wrong.items():
        (theirs / peft.CONFIG).write_text(json.dumps(config | {field: value}))
        assert field in refusal()
    for field, other in (("target_modules", 3), ("target_modules", "a{99999999999}"), ("exclude_modules", "(")):
        (theirs / peft.CONFIG).write_text(json.dumps(config | {field: other}))
        assert f"{field} {other!r}, which is neither a list of names nor a regular expression" in refusal()
    changes: list[dict[str, object]] = [{"lora_alpha": float("nan")}, {"lora_dropout": 2.0}, {"lora_dropout": []}]
    for change in changes:
        (theirs / peft.CONFIG).write_text(json.dumps(config | change))
        assert "describes an adapter that ours cannot be: " in refusal()
    (theirs / peft.CONFIG).write_text("{")
    assert "is not JSON" in refusal()
    with pytest.raises(InputError, match=r"'a\.b' cannot be an adapter's name"):
        peft.read(theirs, base.path, out, "a.b")
    with pytest.raises(InputError, match="has no adapter that could be exported"):
        peft.write(base.path, out, "")
    of_experts = adapt(make_native("experts", experts=4), "of experts", LoRA(rank=2, projections=("q", "expert_up")))
    with pytest.raises(InputError, match="adapts expert_up, for which PEFT has no such adapters"):
        peft.write(of_experts, out, "")
