import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import tokenizers

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.export import disagreement, export
from tanuki_jax.data.tokenizer.load import load


def test_5000_strings_encode_alike_and_decode_to_themselves(folder: Path, strings: list[str]) -> None:
    result = disagreement(load(folder / "tokenizer.model"), load(folder / "tokenizer.json"), strings)
    assert (result.total, result.different, result.lost) == (5000, 0, 0), result.examples


def test_a_text_of_a_million_characters_encodes_alike(folder: Path, strings: list[str]) -> None:
    """Check that sums of scores are exact, however long they grow."""
    result = disagreement(load(folder / "tokenizer.model"), load(folder / "tokenizer.json"), ["\n".join(strings * 2)])
    assert (result.total, result.different, result.lost) == (1, 0, 0)


def test_the_library_alone_encodes_alike(folder: Path, strings: list[str]) -> None:
    """Check the library without the settings of `load`: plain `tokenizers` encodes `<EOD>` in a text as text, too."""
    plain = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    oracle = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    ids = [encoding.ids for encoding in plain.encode_batch(strings)]
    assert plain.decode_batch(ids) == strings
    assert oracle.encode(strings) == ids


def test_special_tokens_are_named_for_transformers(folder: Path) -> None:
    config = json.loads((folder / "tokenizer_config.json").read_text())
    names = {field: config[field] for field in config if field.endswith("_token")}
    assert names == {
        **{"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"},
        **{"cls_token": "<CLS>", "sep_token": "<SEP>", "mask_token": "<MASK>"},
    }
    assert config["additional_special_tokens"] == ["<EOD>"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byte_fallback": True, "remove_extra_whitespaces": False, "normalization_rule_name": "identity"},
        {"add_dummy_prefix": False, "user_defined_symbols": ["<tag>"]},
    ],
    ids=["SentencePiece's defaults", "Llama's settings", "no prefix"],
)
def test_unigram_models_of_others_are_exported_too(
    foreign_model: Callable[..., bytes], options: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "foreign.model"
    file.write_bytes(foreign_model(vocab_size=800, **options))
    export(file, tmp_path)
    texts = ["a dog reads books", " two  spaces ", "ＡＢＣ　dogs", "a<tag>dog", "foxes\nand 狸", "", "</s> and <s>"]
    ours, theirs = load(file), load(tmp_path / "tokenizer.json")
    assert [theirs.encode(text) for text in texts] == [ours.encode(text) for text in texts]
    assert [theirs.decode(theirs.encode(text)) for text in texts[:3]] == [
        ours.decode(ours.encode(text)) for text in texts[:3]
    ]


def test_a_model_of_another_kind_is_refused(foreign_model: Callable[..., bytes], tmp_path: Path) -> None:
    file = tmp_path / "foreign.model"
    file.write_bytes(foreign_model(vocab_size=500, model_type="bpe"))
    with pytest.raises(InputError, match=r"foreign\.model is not a unigram model"):
        export(file, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["foreign.model"]


def test_a_hugging_face_tokenizer_is_copied(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    shutil.copy(folder / "tokenizer.json", tmp_path / "from" / "any.json")
    export(tmp_path / "from" / "any.json", tmp_path / "to")
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["tokenizer.json"]
    shutil.copy(folder / "tokenizer_config.json", tmp_path / "from")
    export(tmp_path / "from" / "any.json", tmp_path / "to")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "to" / name).read_bytes() == (folder / name).read_bytes()


def test_disagreement_counts_different_and_lost_texts(
    folder: Path, foreign_model: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "foreign.model").write_bytes(foreign_model(vocab_size=500))
    other = load(tmp_path / "foreign.model")
    result = disagreement(load(folder), other, ["", "狸  狐", "a dog"], examples=1)
    assert (result.total, result.different, result.lost, result.examples) == (3, 2, 1, ("狸  狐",))
    assert result.rate == pytest.approx(2 / 3)
    assert disagreement(load(folder), other, []).rate == 0
