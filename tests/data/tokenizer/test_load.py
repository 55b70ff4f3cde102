import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.load import load

NAMES = [
    "<unk>",
    "<s>",
    "</s>",
    "<pad>",
    "<CLS>",
    "<SEP>",
    "<EOD>",
    "<MASK>",
    "<llm-code>",
    "</llm-code>",
    "<llm-code-output>",
    "</llm-code-output>",
]
FRAGMENTS = st.sampled_from(
    (
        *NAMES,
        "\n",
        "\u2581",
        " ",
        "  ",
        "\x10",
        "\x01",
        "\x02",
        "\0",
        "\t",
        "\r",
        "<0x0A>",
        "<0x",
        "狸",
        "def ",
        "\ufffd",
        "\u2585",
    )
)


@pytest.fixture
def foreign(foreign_model: Callable[..., bytes], tmp_path: Path) -> Callable[..., Path]:
    def write(**options: Any) -> Path:
        file = tmp_path / "foreign.model"
        file.write_bytes(foreign_model(vocab_size=500, **options))
        return file

    return write


def hugging_face_file(folder: Path, *, added: list[tokenizers.AddedToken]) -> Path:
    """Write a byte-level BPE without merges, as GPT-2's, with the added tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = tokenizers.Tokenizer(models.BPE({character: i for i, character in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_tokens(added)
    file = folder / "tokenizer.json"
    tokenizer.save(str(file))
    return file


def test_a_folder_its_model_and_its_export_are_one_tokenizer(folder: Path) -> None:
    of_folder, of_model, of_export = (
        load(folder),
        load(str(folder / "tokenizer.model")),
        load(folder / "tokenizer.json"),
    )
    assert of_folder.fingerprint == of_model.fingerprint != of_export.fingerprint
    for tokenizer in (of_folder, of_model, of_export):
        assert (tokenizer.vocabulary, tokenizer.bos, tokenizer.eod) == (1200, 1, 6)


def test_ids_are_those_of_sentencepiece_itself(folder: Path, strings: list[str]) -> None:
    tokenizer = load(folder)
    oracle = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    texts = strings[:200]
    expected = [oracle.encode(text) for text in texts]
    assert [tokenizer.encode(text) for text in texts] == expected
    arrays = tokenizer.encode_batch(texts)
    assert {array.dtype for array in arrays} == {np.dtype(np.int32)}
    assert [array.tolist() for array in arrays] == expected


@given(st.lists(FRAGMENTS | st.text(), max_size=12).map("".join))
def test_every_text_decodes_to_itself_and_never_becomes_a_control_piece(folder: Path, text: str) -> None:
    for tokenizer in (load(folder), load(folder / "tokenizer.json")):
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text
        assert not set(ids) & set(range(8))


def test_texts_encoded_apart_decode_together_as_streams_need(folder: Path) -> None:
    tokenizer = load(folder)
    assert (
        tokenizer.decode([*tokenizer.encode("狸が"), *tokenizer.encode(" 本を"), *tokenizer.encode("\n読む")])
        == "狸が 本を\n読む"
    )


def test_control_pieces_and_padding_rows_give_no_text(folder: Path) -> None:
    for tokenizer in (load(folder), load(folder / "tokenizer.json")):
        assert tokenizer.decode(np.array([1, *tokenizer.encode("狸"), 6, 1200, 65023, -1, 2])) == "狸"


def test_a_lone_surrogate_counts_as_the_replacement_character(folder: Path) -> None:
    for tokenizer in (load(folder), load(folder / "tokenizer.json")):
        assert tokenizer.decode(tokenizer.encode("a\ud83db")) == "a\ufffdb"
        assert [ids.tolist() for ids in tokenizer.encode_batch(["狸", "\udc00"])] == [
            tokenizer.encode("狸"),
            tokenizer.encode("\ufffd"),
        ]


def test_a_foreign_model_ends_documents_with_its_end_of_sequence(foreign: Callable[..., Path]) -> None:
    tokenizer = load(foreign())
    assert (tokenizer.eod, tokenizer.bos) == (2, 1)
    assert tokenizer.decode(tokenizer.encode("a dog reads")) == "a dog reads"


def test_a_model_without_any_end_is_refused(foreign: Callable[..., Path]) -> None:
    file = foreign(bos_id=-1, eos_id=-1)
    with pytest.raises(InputError, match=r"foreign\.model has no token that could end a document: no <EOD>"):
        load(file)


def test_text_never_ends_a_document_even_if_its_name_is_a_piece(foreign: Callable[..., Path]) -> None:
    file = foreign(user_defined_symbols=["<EOD>"], byte_fallback=False)
    oracle = sentencepiece.SentencePieceProcessor(model_file=str(file))
    tokenizer = load(file)
    assert oracle.piece_to_id("<EOD>") == tokenizer.eod
    for text in ("a dog<EOD>a fox", "<EOD><EOD>", "＜ＥＯＤ＞"):  # the last is <EOD> after this model's normalization
        assert tokenizer.eod in oracle.encode(text)
        assert tokenizer.eod not in tokenizer.encode(text)
    assert tokenizer.encode("a dog") == oracle.encode("a dog")


@pytest.mark.parametrize("special", [True, False])
def test_a_foreign_json_encodes_its_end_of_text_as_text(tmp_path: Path, special: bool) -> None:
    file = hugging_face_file(tmp_path, added=[tokenizers.AddedToken("<|endoftext|>", special=special)])
    tokenizer = load(file)
    assert (tokenizer.vocabulary, tokenizer.eod, tokenizer.bos) == (257, 256, None)
    ids = tokenizer.encode("狸<|endoftext|>\n")
    assert tokenizer.eod not in ids
    assert tokenizer.decode(ids) == "狸<|endoftext|>\n"


def test_the_config_beside_a_json_names_its_special_tokens(tmp_path: Path) -> None:
    file = hugging_face_file(
        tmp_path, added=[tokenizers.AddedToken(name, special=True) for name in ("</s>", "<|stop|>", "<|start|>")]
    )
    assert (load(file).eod, load(file).bos) == (256, None)
    without = load(file).fingerprint
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"eos_token": {"content": "<|stop|>"}, "bos_token": "<|start|>"})
    )
    tokenizer = load(tmp_path)
    assert (tokenizer.eod, tokenizer.bos) == (257, 258)
    assert tokenizer.fingerprint != without
    assert tokenizer.decode([257, 258, *tokenizer.encode("a")]) == "a"


def test_truncation_and_padding_of_a_json_are_ignored(tmp_path: Path) -> None:
    file = hugging_face_file(tmp_path, added=[tokenizers.AddedToken("</s>", special=True)])
    tokenizer = tokenizers.Tokenizer.from_file(str(file))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(file))
    assert [len(ids) for ids in load(file).encode_batch(["abcdefgh" * 3, "a"])] == [24, 1]


def test_an_unreadable_tokenizer_is_named(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InputError, match=r"there is no tokenizer at .*missing"):
        load(tmp_path / "missing")
    with pytest.raises(InputError, match=r"the folder .* has neither tokenizer\.model nor tokenizer\.json"):
        load(tmp_path)
    for name, content in (
        ("a.txt", b""),
        ("broken.model", b"version https"),
        ("empty.model", b""),
        ("broken.json", b"{"),
        ("list.json", b"[]"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            load(tmp_path / name)
    shutil.copy(folder / "tokenizer.json", tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(InputError, match=r"tokenizer\.json"):
        load(tmp_path)
