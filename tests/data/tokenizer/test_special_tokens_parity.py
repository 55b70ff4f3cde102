"""Ids of texts and chats beside transformers', for every kind of tokenizer that treats a text's beginning in its own
way."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from tokenizers import AddedToken, decoders, models, pre_tokenizers, trainers

from tanuki_jax.checkpoints.hugging_face import tokenizer_files
from tanuki_jax.corpus.chat import template_files
from tanuki_jax.corpus.chat.builtin import find
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.data.tokenizer.chat_tokens import encode_chat
from tanuki_jax.data.tokenizer.load import load

pytestmark = pytest.mark.parity
CHATML = ("<|im_start|>", "<|im_end|>")
SPECIAL = ("<unk>", "<s>", "</s>", *CHATML)
NAMES = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "clean_up_tokenization_spaces": False}


def byte_level(corpus: list[str], *, lstrip: bool, rstrip: bool) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=1000, special_tokens=list(SPECIAL[:3]), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_special_tokens([AddedToken(name, lstrip=lstrip, rstrip=rstrip) for name in CHATML])
    return tokenizer


def metaspace(corpus: list[str], scheme: Any) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
    pieces = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer.train_from_iterator(
        corpus, trainers.BpeTrainer(vocab_size=1000, special_tokens=pieces, show_progress=False)
    )
    saved = json.loads(tokenizer.to_str())
    saved["added_tokens"] = [token for token in saved["added_tokens"] if not token["content"].startswith("<0x")]
    return tokenizers.Tokenizer.from_str(json.dumps(saved))


KINDS = (
    "byte level",
    "byte level, lstrip",
    "byte level, rstrip",
    "Metaspace first",
    "Metaspace always",
    "Metaspace never",
    "model with a dummy prefix",
    "model with a dummy prefix, legacy",
)


@pytest.fixture(scope="module", params=KINDS)
def kind(
    request: pytest.FixtureRequest,
    corpus: list[str],
    foreign_model: Callable[..., bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder, name = tmp_path_factory.mktemp("kind"), str(request.param)
    config: dict[str, Any] = NAMES | {"tokenizer_class": "PreTrainedTokenizerFast"}
    if name.startswith("model"):
        model = foreign_model(
            vocab_size=1000,
            model_type="bpe",
            byte_fallback=True,
            control_symbols=list(CHATML),
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
        )
        (folder / "tokenizer.model").write_bytes(model)
        config = NAMES | {"tokenizer_class": "LlamaTokenizer", "add_bos_token": False, "legacy": "legacy" in name}
        config |= {"additional_special_tokens": CHATML}
    elif name.startswith("byte level"):
        byte_level(corpus, lstrip="lstrip" in name, rstrip="rstrip" in name).save(str(folder / "tokenizer.json"))
    else:
        metaspace(corpus, name.split()[-1]).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    template_files.write(folder, find("chatml"))
    return folder


def theirs_of(folder: Path) -> Any:
    import transformers

    return transformers.AutoTokenizer.from_pretrained(folder)


def test_texts_have_the_ids_of_transformers(kind: Path, strings: list[str]) -> None:
    texts, ours, theirs = strings[:2000], load(kind), theirs_of(kind)
    plain = theirs(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    found = [ids.tolist() for ids in ours.encode_batch(texts)]
    differing = [(text, a, b) for text, a, b in zip(texts, found, plain, strict=True) if a != b]
    assert len(differing) == 0, (len(differing), differing[0])


def test_chats_have_the_ids_of_transformers(kind: Path, strings: list[str]) -> None:
    ours, template, theirs, draw = load(kind), template_files.read(kind), theirs_of(kind), random.Random(0)
    # Special tokens spelled in a text stay text here. White space at the beginning of an answer would make a token with
    # the template's line end, which here ends a prompt.
    texts = [text.strip() for text in strings if text.strip() and not any(name in text for name in SPECIAL)]
    differing = []
    for number in range(500):
        turns = [draw.choice(texts) for _ in range(draw.choice((2, 4)))]
        messages = [Message("user" if i % 2 == 0 else "assistant", text) for i, text in enumerate(turns)]
        rows = [{"role": message.role, "content": message.content} for message in messages]
        expected = theirs.apply_chat_template(rows, return_dict=True)["input_ids"]
        if encode_chat(ours, template, messages).ids.tolist() != expected:
            differing.append((number, turns, expected))
    assert len(differing) == 0, (len(differing), differing[0])


def test_a_bpe_model_that_is_exported_alone_is_read(
    foreign_model: Callable[..., bytes], strings: list[str], tmp_path: Path
) -> None:
    """Without the `tokenizer_config.json` that came with it, one is written."""
    options = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False, "byte_fallback": True}
    source, target = tmp_path / "source.model", tmp_path / "target"
    source.write_bytes(foreign_model(vocab_size=1000, model_type="bpe", **options))
    tokenizer_files.write(source, target)
    assert {path.name for path in target.iterdir()} == {"tokenizer.model", "tokenizer_config.json"}
    texts = [text for text in strings[:500] if not any(name in text for name in SPECIAL)]
    theirs = theirs_of(target)(texts, add_special_tokens=False)["input_ids"]
    assert [ids.tolist() for ids in load(source).encode_batch(texts)] == theirs
