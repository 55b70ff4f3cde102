"""Ids that begin a text."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.bos_ids import bos_ids
from tanuki_jax.data.tokenizer.load import load

BOS = "<|begin_of_text|>"


def llama(folder: Path, *, adds: bool = False, **config: Any) -> Path:
    """Write a tokenizer like that of Llama 3: bytes, special tokens, and a post-processor that adds BOS if `adds`."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE({byte: id for id, byte in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens([BOS, "<|end_of_text|>"])
    if adds:
        tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
            single=f"{BOS} $A", special_tokens=[(BOS, 256)]
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": BOS, "eos_token": "<|end_of_text|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names | config))
    return folder


def bos_of(folder: Path) -> tuple[int, ...]:
    return bos_ids(load(folder), folder)


@pytest.mark.parametrize("config", [{}, {"add_bos_token": True}, {"add_bos_token": False}])
@pytest.mark.parametrize(("adds", "expected"), [(True, (256,)), (False, ())])
def test_the_post_processor_decides_whether_a_text_begins_with_bos(
    adds: bool, config: dict[str, bool], expected: tuple[int, ...], tmp_path: Path
) -> None:
    folder = llama(tmp_path, adds=adds, **config)
    assert bos_of(folder) == expected
    assert bos_ids(load(folder / "tokenizer.json"), folder / "tokenizer.json") == expected


@pytest.mark.parametrize(
    ("config", "expected"), [({}, ()), ({"add_bos_token": True}, (1,)), ({"add_bos_token": False}, ())]
)
def test_add_bos_token_decides_for_a_sentencepiece_model(
    config: dict[str, bool], expected: tuple[int, ...], folder: Path, tmp_path: Path
) -> None:
    shutil.copyfile(folder / "tokenizer.model", tmp_path / "tokenizer.model")
    assert bos_of(tmp_path) == ()
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    assert bos_of(tmp_path) == bos_ids(load(tmp_path), tmp_path / "tokenizer.model") == expected


def test_padding_on_the_left_is_not_taken_for_bos(tmp_path: Path) -> None:
    folder = llama(tmp_path, adds=True)
    padded = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    padded.enable_padding(direction="left", length=8, pad_id=257, pad_token="<|end_of_text|>")
    padded.save(str(folder / "tokenizer.json"))
    assert bos_of(folder) == (256,)


def test_a_tokenizer_trained_by_prepare_adds_no_bos(folder: Path) -> None:
    assert load(folder).bos is not None
    assert bos_of(folder) == bos_ids(load(folder), folder / "tokenizer.model") == ()


def test_an_unreadable_tokenizer_file_is_named(folder: Path, tmp_path: Path) -> None:
    loaded = load(folder)
    for name, content in (("tokenizer_config.json", "{"), ("tokenizer_config.json", "[]"), ("tokenizer.json", "{}")):
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=name):
            bos_ids(loaded, tmp_path)
