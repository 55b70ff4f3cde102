import json
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.data.tokenizer.export import export
from tanuki_jax.data.tokenizer.load import load

pytestmark = pytest.mark.parity


def transformers_tokenizer(folder: Path) -> Any:
    import transformers

    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.fixture(params=[True, False], ids=["with a model's config", "alone"])
def exported(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Path:
    """Export a tokenizer into a folder as `convert` does."""
    export(folder, tmp_path)
    if request.param:
        (tmp_path / "config.json").write_text(
            json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 1200})
        )
    return tmp_path


def test_transformers_encodes_and_decodes_alike(exported: Path, folder: Path, strings: list[str]) -> None:
    theirs = transformers_tokenizer(exported)
    ours = load(folder)
    ids = theirs(strings, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert [array.tolist() for array in ours.encode_batch(strings)] == ids
    assert theirs.batch_decode(ids) == strings


def test_transformers_adds_nothing_and_knows_the_special_tokens(exported: Path, folder: Path) -> None:
    theirs = transformers_tokenizer(exported)
    ours = load(folder)
    assert theirs("狸と狐")["input_ids"] == ours.encode("狸と狐")
    assert (theirs.unk_token_id, theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id) == (0, 1, 2, 3)
    assert theirs.convert_tokens_to_ids(["<CLS>", "<SEP>", "<EOD>", "<MASK>"]) == [4, 5, 6, 7]
    assert len(theirs) == ours.vocabulary
    assert theirs("<s>狸</s>")["input_ids"] == [1, *ours.encode("狸"), 2]
    assert theirs.decode([1, *ours.encode("狸"), 6, 2], skip_special_tokens=True) == "狸"


def test_a_tokenizer_that_transformers_saves_again_is_the_same(
    exported: Path, folder: Path, tmp_path: Path, strings: list[str]
) -> None:
    transformers_tokenizer(exported).save_pretrained(tmp_path / "again")
    again, ours = load(tmp_path / "again"), load(folder)
    assert (again.eod, again.bos, again.vocabulary) == (ours.eod, ours.bos, ours.vocabulary)
    texts = strings[:300]
    assert [ids.tolist() for ids in again.encode_batch(texts)] == [ids.tolist() for ids in ours.encode_batch(texts)]
