import io
import json
from pathlib import Path

import pytest
import sentencepiece

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.hugging_face import tokenizer_files
from tanuki_jax.corpus.chat import template_files as chat_folder
from tests.checkpoints.conftest import TEXTS


@pytest.mark.parametrize("form", ["folder with the model only", "model", "json"])
def test_whatever_the_form_transformers_finds_its_own(form: str, tokenizer: Path, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "target").mkdir()
    name = "tokenizer.json" if form == "json" else "tokenizer.model"
    source = tmp_path / "source" / name
    source.write_bytes((tokenizer / name).read_bytes())
    tokenizer_files.write(source.parent if form.startswith("folder") else source, tmp_path / "target")
    assert (tmp_path / "target" / "tokenizer.json").read_bytes() == (tokenizer / "tokenizer.json").read_bytes()
    assert (tmp_path / "target" / "tokenizer.model").is_file() == (form != "json")


@pytest.mark.parametrize("form", ["folder", "tokenizer.model", "tokenizer.json"])
@pytest.mark.parametrize("place", ["chat_template.jinja", "tokenizer_config.json"])
def test_the_chat_template_comes_along(form: str, place: str, tokenizer: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in (source, target):
        folder.mkdir()
    name = "tokenizer.json" if form == "tokenizer.json" else "tokenizer.model"
    (source / name).write_bytes((tokenizer / name).read_bytes())
    template = "{{ bos_token }}"
    (source / place).write_text(template if place.endswith("jinja") else json.dumps({"chat_template": template}))
    tokenizer_files.write(source if form == "folder" else source / form, target)
    assert chat_folder.read(target).source == template
    assert (target / "tokenizer.json").is_file()


def test_a_tokenizer_without_a_sentencepiece_model_is_not_compared(tokenizer: Path) -> None:
    with pytest.raises(InputError, match="has no SentencePiece model"):
        tokenizer_files.compare(tokenizer / "tokenizer.json", [])


def test_a_model_that_is_no_unigram_goes_alone_with_a_config(tmp_path: Path) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=model, vocab_size=100, model_type="bpe", minloglevel=2
    )
    source = tmp_path / "source" / "tokenizer.model"
    source.parent.mkdir()
    source.write_bytes(model.getvalue())
    tokenizer_files.write(source, tmp_path / "target")
    assert {path.name for path in (tmp_path / "target").iterdir()} == {"tokenizer.model", "tokenizer_config.json"}
    config = json.loads((tmp_path / "target" / "tokenizer_config.json").read_text())
    assert (config["tokenizer_class"], config["eos_token"], config["add_bos_token"]) == (
        "LlamaTokenizer",
        "</s>",
        False,
    )
    (source.parent / "tokenizer_config.json").write_text('{"add_bos_token": true}')
    tokenizer_files.write(source.parent, tmp_path / "again")
    assert json.loads((tmp_path / "again" / "tokenizer_config.json").read_text()) == {"add_bos_token": True}
