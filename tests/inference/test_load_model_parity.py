"""Ids that begin a text, compared with transformers."""

import json
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import transformers

from tanuki_jax.checkpoints.hugging_face import import_model
from tanuki_jax.data.tokenizer.bos_ids import bos_ids
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.inference.engine.job import Sampling
from tanuki_jax.inference.load_model import load_model
from tanuki_jax.inference.text import continuations, encode_text
from tests.data.tokenizer.test_bos_ids import llama

pytestmark = pytest.mark.parity

MODEL = transformers.LlamaConfig(
    vocab_size=258,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    initializer_range=0.3,
    bos_token_id=256,
    eos_token_id=257,
    max_position_embeddings=128,
)


@pytest.mark.parametrize(
    ("adds", "config"), [(True, {}), (True, {"add_bos_token": False}), (False, {}), (False, {"add_bos_token": True})]
)
def test_an_imported_model_continues_a_text_as_the_pipeline_does(
    adds: bool, config: dict[str, bool], tmp_path: Path
) -> None:
    transformers.set_seed(0)
    theirs = transformers.LlamaForCausalLM(MODEL)
    folder = tmp_path / "theirs"
    theirs.save_pretrained(folder)
    llama(folder, adds=adds, **config)
    import_model.write(folder, tmp_path / "ours", lambda done: None)
    loaded = load_model(tmp_path / "ours")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    pipeline = transformers.pipeline("text-generation", model=theirs, tokenizer=tokenizer)
    for prompt in ("fox", "昔々、"):
        assert encode_text(loaded, prompt) == tokenizer(prompt).input_ids
        [theirs_continued] = pipeline(prompt, max_new_tokens=40, do_sample=False, return_full_text=False)
        [ours] = continuations(loaded, [prompt], Sampling(tokens=40))
        assert ours.strip("\ufffd") and theirs_continued["generated_text"].rstrip("\ufffd") == ours.rstrip("\ufffd")


@pytest.mark.parametrize(
    "config", [{}, {"add_bos_token": True}, {"add_bos_token": False}], ids=["absent", "true", "false"]
)
def test_add_bos_token_decides_for_a_sentencepiece_model(config: dict[str, bool], tmp_path: Path) -> None:
    lines = iter(["hello world fox dog", "abc def ghi jkl"] * 50)
    options: dict[str, Any] = {"vocab_size": 60, "model_type": "bpe", "hard_vocab_limit": False, "minloglevel": 2}
    with (tmp_path / "tokenizer.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=lines, model_writer=file, **options)
    names = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(names | config))
    tokenizer = load(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)("fox").input_ids
    assert [*bos_ids(tokenizer, tmp_path), *tokenizer.encode("fox")] == theirs
