"""The exported folder, as transformers loads it."""

import sys
from pathlib import Path

import pytest
import torch
import transformers

from tanuki_jax.checkpoints.format import read_state
from tanuki_jax.checkpoints.hugging_face import export_model as to_hugging_face
from tanuki_jax.checkpoints.hugging_face import import_model as from_hugging_face
from tanuki_jax.config.experiment import Layout
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.inference.engine.job import Sampling
from tanuki_jax.inference.load_model import load_model
from tanuki_jax.inference.text import continuations
from tests.checkpoints.conftest import MakeNative
from tests.checkpoints.hugging_face.test_round_trip import assert_same_bits, restored
from tests.lm.model.test_transformer_parity import assert_same_greedy_text, assert_same_logits

pytestmark = pytest.mark.parity


def nothing(done: int) -> None:
    pass


@pytest.mark.parametrize("shard_bytes", [10**9, 20_000], ids=["one file", "many files"])
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
def test_model_and_tokenizer_load_and_write_the_same_text(
    shard_bytes: int, tied: bool, make_native: MakeNative, tokenizer: Path, tmp_path: Path
) -> None:
    known = load(tokenizer)
    native = make_native(tokenizer=str(tokenizer), tied=tied, vocabulary=known.vocabulary, initial_std=0.3)
    to_hugging_face.write(native.path, tmp_path / "theirs", "", nothing, shard_bytes)
    model, notes = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "theirs", output_loading_info=True)
    assert not any(notes[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert isinstance(model, transformers.LlamaForCausalLM)
    assert (model.dtype, model.config.max_position_embeddings) == (torch.float32, 128)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "theirs")
    prompts = ["昔々、", "def raccoon(", "The quick brown"]
    ours = continuations(load_model(native.path), prompts, Sampling(tokens=64))
    for prompt, continuation in zip(prompts, ours, strict=True):
        ids = theirs(prompt, return_tensors="pt")
        assert ids.input_ids[0].tolist() == known.encode(prompt)
        assert theirs.decode(ids.input_ids[0]) == prompt
        written = model.generate(**ids, max_new_tokens=64, do_sample=False)[0]
        assert len(continuation) > 10
        # Decoded by ours: where bytes form no character, transformers writes other marks of it.
        assert known.decode(written).rstrip("\ufffd") == f"{prompt}{continuation}".rstrip("\ufffd")


def test_generation_stops_where_documents_end(make_native: MakeNative, tokenizer: Path, tmp_path: Path) -> None:
    native = make_native(tokenizer=str(tokenizer))
    to_hugging_face.write(native.path, tmp_path / "theirs", "bfloat16", nothing)
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "theirs")
    assert model.dtype == torch.bfloat16
    assert model.generation_config.eos_token_id == load(tokenizer).eod
    assert model.config.rope_parameters == {"rope_type": "default", "rope_theta": 10_000.0}


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched, and the code of models is copied below the test's folder."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr("sys.path", list(sys.path))


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("shard_bytes", [10**9, 20_000], ids=["one file", "many files"])
@pytest.mark.parametrize("kind", ["plain", "standardized"])
def test_a_mixture_of_experts_computes_and_writes_the_same(
    kind: str, shard_bytes: int, make_native: MakeNative, tmp_path: Path
) -> None:
    native = make_native(experts=8, experts_per_token=2, router_logits=kind, initial_std=0.15)
    to_hugging_face.write(native.path, tmp_path / "theirs", "", nothing, shard_bytes)
    code = {"trust_remote_code": True} if kind == "standardized" else {}
    theirs, notes = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "theirs", output_loading_info=True, **code
    )
    assert not any(notes[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert type(theirs).__name__ == {"plain": "MixtralForCausalLM", "standardized": "TanukiForCausalLM"}[kind]
    assert_same_logits(theirs, native.model, native.values, Layout(data=1), seed=0)
    assert_same_greedy_text(theirs, native.model, native.values)


@pytest.mark.usefixtures("no_network")
def test_a_plain_mixtral_runtime_computes_something_else(make_native: MakeNative, tmp_path: Path) -> None:
    native = make_native(experts=8, router_logits="standardized")
    to_hugging_face.write(native.path, tmp_path / "theirs", "", nothing)
    taught = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "theirs", trust_remote_code=True)
    plain = transformers.MixtralForCausalLM.from_pretrained(tmp_path / "theirs")
    tokens = torch.arange(30)[None]
    with torch.no_grad():
        assert (taught(tokens).logits - plain(tokens).logits).abs().max() > 1e-2


@pytest.mark.usefixtures("no_network")
def test_what_transformers_saves_again_is_converted_back(make_native: MakeNative, tmp_path: Path) -> None:
    native = make_native(experts=4, router_logits="standardized")
    to_hugging_face.write(native.path, tmp_path / "theirs", "", nothing)
    transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "theirs", trust_remote_code=True).save_pretrained(
        tmp_path / "again"
    )
    from_hugging_face.write(tmp_path / "again", tmp_path / "back", nothing)
    assert read_state(tmp_path / "back").model == native.model
    assert_same_bits(restored(tmp_path / "back", "float32"), native.values)
