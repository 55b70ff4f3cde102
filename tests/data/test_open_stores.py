import dataclasses
from pathlib import Path

import pytest
import tokenizers
from tokenizers import models

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Data, Tokenizer
from tanuki_jax.config.mixture import Source
from tanuki_jax.corpus.chat import builtin
from tanuki_jax.corpus.chat.template_files import write as write_template
from tanuki_jax.data.open_stores import open_stores
from tanuki_jax.data.tokenizer.load import load
from tests.data.test_loader import data, mixture, write_store


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    tokenizers.Tokenizer(models.WordLevel({"<EOD>": 0, "<unk>": 1}, "<unk>")).save(str(folder / "tokenizer.json"))
    return folder


def stored(tmp_path: Path, tokenizer: Path) -> Data:
    return data(stores=str(tmp_path), tokenizer=Tokenizer(path=str(tokenizer)))


def test_all_missing_stores_are_named(tmp_path: Path, tokenizer: Path) -> None:
    write_store(tmp_path / "a", 0, [5, 9], load(tokenizer).fingerprint)
    with pytest.raises(InputError, match=r"no store of b, c, which the mixture 'some' reads; .*prepare"):
        open_stores(stored(tmp_path, tokenizer), mixture((0, {"a": 1.0, "b": 1.0}), (9, {"a": 1.0, "c": 1.0})))


def test_only_the_sources_that_are_read_need_a_store(tmp_path: Path, tokenizer: Path) -> None:
    write_store(tmp_path / "a", 0, [5, 9], load(tokenizer).fingerprint)
    assert list(open_stores(stored(tmp_path, tokenizer), mixture((0, {"a": 1.0, "b": 0.0})))) == ["a"]


def test_a_store_of_another_tokenizer_is_refused(tmp_path: Path, tokenizer: Path) -> None:
    write_store(tmp_path / "a", 0, [5, 9], load(tokenizer).fingerprint)
    write_store(tmp_path / "b", 0, [5, 9], "another")
    with pytest.raises(InputError, match=r"^b in .* not made with the tokenizer"):
        open_stores(stored(tmp_path, tokenizer), mixture((0, {"a": 1.0, "b": 1.0})))


def test_a_store_of_another_template_is_refused(tmp_path: Path, tokenizer: Path) -> None:
    template = builtin.find("chatml")
    settings = {"template": template.fingerprint}
    write_store(tmp_path / "a", 0, [5, 9], load(tokenizer).fingerprint, documents_per_record=1, settings=settings)
    wanted = stored(tmp_path, tokenizer)
    for other in (None, builtin.find("llama3")):
        if other is not None:
            write_template(tokenizer, other)
        with pytest.raises(InputError, match=r"^a in .* not made with the chat template of .*tokenizer; delete"):
            open_stores(wanted, mixture((0, {"a": 1.0})))
    write_template(tokenizer, template)
    assert list(open_stores(wanted, mixture((0, {"a": 1.0})))) == ["a"]


def test_a_held_out_source_needs_a_store(tmp_path: Path, tokenizer: Path) -> None:
    watched = dataclasses.replace(
        mixture((0, {"a": 1.0})), sources=(Source(name="exam", held_out=True), Source(name="a"))
    )
    write_store(tmp_path / "a", 0, [5, 9], load(tokenizer).fingerprint)
    with pytest.raises(InputError, match="no store of exam, which the mixture 'some' reads"):
        open_stores(stored(tmp_path, tokenizer), watched)
    write_store(tmp_path / "exam", 1, [5, 9], load(tokenizer).fingerprint)
    assert list(open_stores(stored(tmp_path, tokenizer), watched)) == ["exam", "a"]


def test_settings_that_a_store_was_not_made_with_are_refused(tmp_path: Path, tokenizer: Path) -> None:
    fingerprint, of_chats = load(tokenizer).fingerprint, {"form": "chat", "too_long": "drop"}
    write_store(tmp_path / "a", 0, [5, 9], fingerprint, documents_per_record=1, settings=of_chats)
    wanted, source = stored(tmp_path, tokenizer), Source(name="a", form="chat", too_long="drop")
    mixed = dataclasses.replace(mixture((0, {"a": 1.0})), sources=(source,))
    assert list(open_stores(wanted, mixed)) == ["a"]
    with pytest.raises(InputError, match=r"^data\.learn is 'last', but the store .*a was made with 'all'; delete it"):
        open_stores(dataclasses.replace(wanted, learn="last"), mixed)
    other = dataclasses.replace(mixed, sources=(dataclasses.replace(source, too_long="by_form"),))
    with pytest.raises(InputError, match=r"^too_long of the source is 'by_form', but .* made with 'drop'"):
        open_stores(wanted, other)
