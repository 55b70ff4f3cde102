"""The copy of a tokenizer inside a checkpoint, and where an old checkpoint's tokenizer is looked for."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State
from tanuki_jax.checkpoints.tokenizer_copy import TokenizerCopy, carry_tokenizer, tokenizer_path
from tanuki_jax.config.model import Model
from tanuki_jax.data.tokenizer.copy_tokenizer import fingerprint
from tanuki_jax.data.tokenizer.load import load

MODEL = Model(vocabulary=8, width=4, hidden=4, layers=1, heads=1, kv_heads=1)


def naming(tokenizer: str) -> State:
    return dataclasses.replace(State.converted(MODEL, 16), tokenizer=tokenizer)


@pytest.fixture
def source(tokenizer: Path, tmp_path: Path) -> Path:
    """Make a tokenizer with a chat template."""
    folder = tmp_path / "source"
    shutil.copytree(tokenizer, folder)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


def test_a_copy_outlives_its_source(source: Path, tmp_path: Path) -> None:
    original, wanted = fingerprint(source), load(source).encode("raccoon")
    copy = TokenizerCopy.read(source)
    shutil.rmtree(source)
    (tmp_path / "checkpoint").mkdir()
    state = copy.write(tmp_path / "checkpoint", naming("source"))
    path = tokenizer_path(tmp_path / "checkpoint", state)
    assert path == tmp_path / "checkpoint" / "tokenizer" and state.tokenizer == "tokenizer"
    assert fingerprint(path) == state.tokenizer_fingerprint == original
    assert load(path).encode("raccoon") == wanted
    assert (path / "chat_template.jinja").read_text() == "{{ messages }}"


def test_a_copy_comes_before_a_path_in_the_working_directory(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = tmp_path / "checkpoint"
    assert tokenizer_path(checkpoint, naming("source")).absolute() == source
    assert tokenizer_path(checkpoint, naming(str(source))) == source
    (checkpoint / "source").mkdir(parents=True)
    assert tokenizer_path(checkpoint, naming("source")) == checkpoint / "source"


def test_a_tokenizer_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not at data/tokenizer; run this in the folder where training ran"):
        tokenizer_path(tmp_path, naming("data/tokenizer"))
    with pytest.raises(InputError, match="has no tokenizer"):
        tokenizer_path(tmp_path, naming(""))


def test_another_tokenizer_at_the_same_path_is_refused(source: Path, tmp_path: Path) -> None:
    state = dataclasses.replace(naming(str(source)), tokenizer_fingerprint=fingerprint(source))
    assert tokenizer_path(tmp_path, state) == source
    (source / "chat_template.jinja").write_text("{{ messages[0] }}")
    with pytest.raises(InputError, match=r"the tokenizer at .*source is not the one of .*: it has changed since"):
        tokenizer_path(tmp_path, state)


def test_a_converted_checkpoint_takes_the_copy_with_it(source: Path, tmp_path: Path) -> None:
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
    first = carry_tokenizer(tmp_path, naming(str(source)), tmp_path / "first", naming("elsewhere"))
    shutil.rmtree(source)
    second = carry_tokenizer(tmp_path / "first", first, tmp_path / "second", naming(""))
    assert second == dataclasses.replace(first)
    assert fingerprint(tmp_path / "second" / "tokenizer") == second.tokenizer_fingerprint
    assert carry_tokenizer(tmp_path, naming(""), tmp_path / "third", naming("elsewhere")) == naming("")
    assert list((tmp_path / "third").iterdir()) == []


def test_a_source_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({}))
    with pytest.raises(InputError, match=r"has neither tokenizer\.model nor tokenizer\.json"):
        TokenizerCopy.read(tmp_path)


def test_a_damaged_source_is_named(source: Path) -> None:
    for file in ("tokenizer.model", "tokenizer.json"):
        (source / file).write_text("{")
    with pytest.raises(InputError, match=f"^{source}.* is not a tokenizer that can be read"):
        TokenizerCopy.read(source)
