import json
import shutil
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat import template_files
from tanuki_jax.data.tokenizer.copy_tokenizer import copy_tokenizer, fingerprint
from tanuki_jax.data.tokenizer.load import load

TEMPLATE = "{{ messages }}"
TEXT = "古い友人 reads <|im_end|> and </s>\n"


@pytest.fixture
def source(chat_folder: Path, tmp_path: Path) -> Path:
    """Make a Hugging Face tokenizer with a chat template and a map of special tokens in files of their own."""
    folder = tmp_path / "source"
    shutil.copytree(chat_folder, folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    (folder / "special_tokens_map.json").write_text("{}")
    return folder


def describe(path: Path) -> tuple[object, ...]:
    """Return ids of a text, special tokens, and the source of the chat template."""
    tokenizer, template = load(path), template_files.find(path)
    return tokenizer.encode(TEXT), tokenizer.special, template and template.source


def test_a_folder_is_copied_without_files_that_are_not_the_tokenizer(source: Path, tmp_path: Path) -> None:
    (source / "README.md").write_text("a model")
    copy_tokenizer(source, tmp_path / "new" / "copy")
    names = {path.name for path in (tmp_path / "new" / "copy").iterdir()}
    assert names == {path.name for path in source.iterdir()} - {"README.md"}
    assert describe(source) == describe(tmp_path / "new" / "copy")
    assert fingerprint(source) == fingerprint(tmp_path / "new" / "copy")


@pytest.mark.parametrize("template", ["chat_template.jinja", "tokenizer_config.json", None])
@pytest.mark.parametrize("suffix", [".model", ".json"])
def test_a_single_file_is_copied_with_its_template(
    suffix: str, template: str | None, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / f"other{suffix}"
    shutil.copyfile(folder / f"tokenizer{suffix}", file)
    if template:
        (tmp_path / template).write_text(
            TEMPLATE if template.endswith("jinja") else json.dumps({"chat_template": TEMPLATE})
        )
    copy_tokenizer(file, tmp_path / "copy")
    assert (tmp_path / "copy" / f"tokenizer{suffix}").is_file()
    assert describe(file) == describe(tmp_path / "copy")
    assert fingerprint(file) == fingerprint(tmp_path / "copy")


def test_the_json_of_a_folder_with_both_forms_stays_a_json(folder: Path, tmp_path: Path) -> None:
    copy_tokenizer(folder / "tokenizer.json", tmp_path / "copy")
    assert not (tmp_path / "copy" / "tokenizer.model").exists()
    assert fingerprint(folder / "tokenizer.json") == fingerprint(tmp_path / "copy") != fingerprint(folder)


def test_a_folder_without_a_tokenizer_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text("{}")
    with pytest.raises(InputError, match=r"has neither tokenizer\.model nor tokenizer\.json"):
        copy_tokenizer(tmp_path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_only_template_and_special_tokens_change_the_fingerprint(source: Path) -> None:
    fingerprints = [fingerprint(source)]
    config = json.loads((source / "tokenizer_config.json").read_text())
    (source / "chat_template.jinja").write_text("another")
    fingerprints.append(fingerprint(source))
    for change in ({"eos_token": "<|im_end|>"}, {"add_bos_token": True}, {"sep_token": "<0x41>"}):
        (source / "tokenizer_config.json").write_text(json.dumps(config | change))
        fingerprints.append(fingerprint(source))
    assert len({*fingerprints}) == len(fingerprints)
    (source / "tokenizer_config.json").write_text(json.dumps(config | {"model_max_length": 4096}, indent=4))
    assert fingerprint(source) == fingerprints[1]


@pytest.fixture
def with_more_tokens(folder: Path, chat_folder: Path, tmp_path: Path) -> Path:
    """Make a folder with a SentencePiece model and a `tokenizer.json` to which the tokens of ChatML were added."""
    both = tmp_path / "both"
    shutil.copytree(chat_folder, both)
    shutil.copyfile(folder / "tokenizer.model", both / "tokenizer.model")
    return both


def test_a_json_to_which_tokens_were_added_is_the_tokenizer(with_more_tokens: Path, tmp_path: Path) -> None:
    known = load(with_more_tokens)
    assert "<|im_end|>" in known.special
    assert known.fingerprint == load(with_more_tokens / "tokenizer.json").fingerprint
    copy_tokenizer(with_more_tokens, tmp_path / "copy")
    assert not (tmp_path / "copy" / "tokenizer.model").exists()
    assert fingerprint(with_more_tokens) == fingerprint(tmp_path / "copy")


def test_a_model_that_is_named_goes_without_another_json(with_more_tokens: Path, tmp_path: Path) -> None:
    copy_tokenizer(with_more_tokens / "tokenizer.model", tmp_path / "copy")
    assert not (tmp_path / "copy" / "tokenizer.json").exists()
    assert load(tmp_path / "copy").fingerprint == load(with_more_tokens / "tokenizer.model").fingerprint
