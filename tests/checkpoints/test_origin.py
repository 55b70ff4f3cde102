import json
from pathlib import Path

import pytest

from tanuki_jax.checkpoints.folder import State
from tanuki_jax.checkpoints.origin import sequence_length, tokenizer_path
from tanuki_jax.config.model import Model
from tanuki_jax.errors import InputError

MODEL = Model(vocabulary=8, width=4, hidden=4, layers=1, heads=1, kv_heads=1)


def state(tokenizer: str) -> State:
    return State(step=0, tokens=0, skipped=(), model=MODEL, tokenizer=tokenizer, data="", files={})


def test_a_tokenizer_in_the_checkpoint_comes_before_one_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outside, inside = tmp_path / "tokenizer", tmp_path / "checkpoint" / "tokenizer"
    outside.mkdir()
    assert tokenizer_path(tmp_path / "checkpoint", state("tokenizer")).absolute() == outside
    inside.mkdir(parents=True)
    assert tokenizer_path(tmp_path / "checkpoint", state("tokenizer")) == inside
    assert tokenizer_path(tmp_path / "checkpoint", state(str(outside))) == outside


def test_a_tokenizer_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not at data/tokenizer; run this where the training ran"):
        tokenizer_path(tmp_path, state("data/tokenizer"))
    with pytest.raises(InputError, match="has no tokenizer"):
        tokenizer_path(tmp_path, state(""))


def test_the_length_of_rows_is_that_of_the_run(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run" / "checkpoints" / "00000001"
    checkpoint.mkdir(parents=True)
    assert sequence_length(checkpoint) is None
    (tmp_path / "run" / "config.json").write_text(json.dumps({"data": {"sequence_length": 128}}))
    assert sequence_length(checkpoint) == 128
    assert sequence_length(tmp_path / "run" / "checkpoints" / ".." / "checkpoints" / "00000001") == 128


def test_a_configuration_of_something_else_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "models" / "converted").mkdir(parents=True)
    assert sequence_length(tmp_path / "models" / "converted") is None
