"""The exported folder, as transformers loads it."""

from pathlib import Path

import pytest
import torch
import transformers

from tanuki_jax.convert import to_hugging_face
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.generate.text import continuations
from tests.convert.conftest import MakeNative

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
    ours = continuations(native.path, prompts, 64, temperature=0, top_k=0, seed=0)
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
