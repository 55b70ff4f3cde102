"""Answers of exported chat models end in transformers where they end here."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tokenizers
import transformers

from tanuki_jax.checkpoints.format import State
from tanuki_jax.checkpoints.hugging_face import export_model as to_hugging_face
from tanuki_jax.checkpoints.token_ids import token_ids
from tanuki_jax.corpus.chat import builtin, template_files
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.inference.assistant import Assistant
from tanuki_jax.inference.engine.job import Sampling
from tanuki_jax.inference.load_model import load_model
from tests.checkpoints.conftest import TEXTS, MakeNative
from tests.checkpoints.weights import write_weights

pytestmark = pytest.mark.parity
SPECIAL = ("<s>", "</s>", "<pad>", "<EOD>", "<|im_start|>", "<|im_end|>")
LLAMA3 = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|begin_of_text|>")
QUESTIONS = [f"{word} {number}" for number in range(10) for word in ("狸", "dog", "fox,", "1234", "def")]
TOKENS = 24


def byte_level() -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=384, special_tokens=[*SPECIAL, *LLAMA3], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def metaspace() -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(prepend_scheme="never")
    tokenizer.decoder = tokenizers.decoders.Sequence(
        [tokenizers.decoders.Replace("▁", " "), tokenizers.decoders.ByteFallback(), tokenizers.decoders.Fuse()]
    )
    pieces = ["<unk>", *SPECIAL, *LLAMA3, *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=384, special_tokens=pieces, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    saved = json.loads(tokenizer.to_str())
    saved["added_tokens"] = [token for token in saved["added_tokens"] if not token["content"].startswith("<0x")]
    return tokenizers.Tokenizer.from_str(json.dumps(saved))


def write_json(folder: Path, make: Callable[[], tokenizers.Tokenizer]) -> None:
    folder.mkdir()
    make().save(str(folder / "tokenizer.json"))
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "additional_special_tokens": LLAMA3}
    config = names | {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("kind", "template"),
    [
        ("SentencePiece", "tanuki"),
        ("SentencePiece", "user_assistant"),
        *((kind, name) for kind in ("byte level", "Metaspace") for name in builtin.NAMES),
    ],
)
def test_answers_end_at_the_same_token(
    kind: str, template: str, make_native: MakeNative, tokenizer: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tokenizer"
    if kind == "SentencePiece":
        shutil.copytree(tokenizer, folder)
    else:
        write_json(folder, byte_level if kind == "byte level" else metaspace)
    template_files.write(folder, builtin.find(template))
    known = load(folder)
    native = make_native(layers=1, initial_std=0.3, vocabulary=known.vocabulary)
    # Without end tokens that are likely, a model of random weights would never end an answer.
    output = native.values["output"].copy()
    ends = token_ids(State.converted(native.model, 64), folder).ends
    output[:, list(ends)] *= 3
    values = native.values | {"output": output}
    write_weights(tmp_path / "chat", native.model, values, tokenizer=str(folder), sequence_length=256)

    to_hugging_face.write(tmp_path / "chat", tmp_path / "theirs", "", lambda done: None)
    loaded = load_model(tmp_path / "chat")
    assistant = Assistant(loaded, Sampling(tokens=TOKENS), rows=16)
    ours = [each.text for each in assistant.answers([[Message("user", question)] for question in QUESTIONS])]
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "theirs")
    assert theirs.generation_config.eos_token_id == (list(ends) if len(ends) > 1 else ends[0])
    speaks = transformers.AutoTokenizer.from_pretrained(tmp_path / "theirs")
    lengths = []
    for question, answer in zip(QUESTIONS, ours, strict=True):
        prompt = speaks.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        assert prompt.input_ids[0].tolist() == assistant.prompts.ids([Message("user", question)])
        written = theirs.generate(**prompt, max_new_tokens=TOKENS, do_sample=False)[0, prompt.input_ids.shape[1] :]
        ids = written.tolist()
        lengths.append(len(ids))
        text = known.decode(ids[:-1] if ids[-1] in ends else ids)
        assert text.removeprefix(assistant.prompts.answer_prefix).rstrip("\ufffd") == answer.rstrip("\ufffd")
    assert np.mean(np.array(lengths) < TOKENS) > 0.5, "most answers end by themselves"
