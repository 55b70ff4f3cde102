"""What stands before a text that is to be continued."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.inference.bos import before_text

BOS = "<|begin_of_text|>"


def llama(folder: Path, *, adds: bool = False, **config: Any) -> Path:
    """A tokenizer's folder as Llama 3 has it: bytes, tokens that begin and end texts, and what puts the first before a text, if asked."""
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


def before(folder: Path) -> tuple[int, ...]:
    return before_text(load(folder), folder)


@pytest.mark.parametrize("config", [{}, {"add_bos_token": True}, {"add_bos_token": False}])
@pytest.mark.parametrize(("adds", "expected"), [(True, (256,)), (False, ())])
def test_the_post_processor_decides(
    adds: bool, config: dict[str, bool], expected: tuple[int, ...], tmp_path: Path
) -> None:
    folder = llama(tmp_path, adds=adds, **config)
    assert before(folder) == expected
    assert before_text(load(folder / "tokenizer.json"), folder / "tokenizer.json") == expected


@pytest.mark.parametrize(
    ("config", "expected"), [({}, ()), ({"add_bos_token": True}, (1,)), ({"add_bos_token": False}, ())]
)
def test_where_there_is_only_a_sentencepiece_model_the_configuration_does(
    config: dict[str, bool], expected: tuple[int, ...], tokenizer: Path, tmp_path: Path
) -> None:
    shutil.copyfile(tokenizer / "tokenizer.model", tmp_path / "tokenizer.model")
    assert before(tmp_path) == ()
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    assert before(tmp_path) == before_text(load(tmp_path), tmp_path / "tokenizer.model") == expected


def test_padding_stands_before_no_text(tmp_path: Path) -> None:
    folder = llama(tmp_path, adds=True)
    padded = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    padded.enable_padding(direction="left", length=8, pad_id=257, pad_token="<|end_of_text|>")
    padded.save(str(folder / "tokenizer.json"))
    assert before(folder) == (256,)


def test_nothing_stands_before_texts_of_a_tokenizer_that_is_trained_here(tokenizer: Path) -> None:
    assert load(tokenizer).bos is not None
    assert before(tokenizer) == before_text(load(tokenizer), tokenizer / "tokenizer.model") == ()


def test_a_file_that_cannot_be_read_is_named(tokenizer: Path, tmp_path: Path) -> None:
    loaded = load(tokenizer)
    for name, content in (("tokenizer_config.json", "{"), ("tokenizer_config.json", "[]"), ("tokenizer.json", "{}")):
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=name):
            before_text(loaded, tmp_path)
