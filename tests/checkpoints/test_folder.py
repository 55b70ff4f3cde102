"""Which checkpoints count, and what is said of those that do not."""

from pathlib import Path

import pytest

from tanuki_jax.checkpoints.folder import State, damage, find, finish, newest_good, read_state, step_folder, steps, tokenizer_path
from tanuki_jax.config.model import Model
from tanuki_jax.errors import InputError

MODEL = Model(vocabulary=8, width=4, hidden=4, layers=1, heads=1, kv_heads=1)


def write(checkpoints: Path, step: int) -> Path:
    checkpoint = step_folder(checkpoints, step)
    (checkpoint / "base").mkdir(parents=True)
    (checkpoint / "base" / "data").write_bytes(bytes(range(256)) * step)
    state = State(step=step, tokens=9 * step, skipped=(3,), model=MODEL, tokenizer="t", sequence_length=16, data="d", files={})
    finish(checkpoint, state)
    return checkpoint


def test_state_survives_the_disk(tmp_path: Path) -> None:
    state = read_state(write(tmp_path, 2))
    assert (state.step, state.tokens, state.skipped, state.model, state.sequence_length) == (2, 18, (3,), MODEL, 16)
    assert list(state.files) == ["base/data"]


def test_the_newest_whole_checkpoint_is_taken_and_the_others_named(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        write(tmp_path, step)
    flipped, unfinished = step_folder(tmp_path, 10) / "base" / "data", step_folder(tmp_path, 11)
    content = bytearray(flipped.read_bytes())
    content[1000] ^= 1
    flipped.write_bytes(content)
    (unfinished / "base").mkdir(parents=True)
    assert steps(tmp_path) == [1, 2, 10]
    good, passed_over = newest_good(tmp_path)
    assert good == step_folder(tmp_path, 2)
    assert passed_over == {step_folder(tmp_path, 10): "base/data has another checksum than when it was saved"}


def test_missing_and_truncated_files_are_damage(tmp_path: Path) -> None:
    checkpoint = write(tmp_path, 4)
    assert damage(checkpoint) == ""
    data = checkpoint / "base" / "data"
    data.write_bytes(data.read_bytes()[:-1])
    assert "checksum" in damage(checkpoint)
    data.unlink()
    assert damage(checkpoint) == "base/data is missing"


def test_a_run_a_checkpoints_folder_or_a_checkpoint_can_be_named(tmp_path: Path) -> None:
    checkpoint = write(tmp_path / "run" / "checkpoints", 5)
    assert find(str(tmp_path / "run")) == find(str(tmp_path / "run" / "checkpoints")) == find(str(checkpoint)) == checkpoint


def test_what_cannot_be_found_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find(str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="there is no checkpoint in"):
        find(str(tmp_path))
    checkpoint = write(tmp_path, 1)
    (checkpoint / "base" / "data").write_bytes(b"")
    with pytest.raises(InputError, match=r"is damaged: base/data has another checksum"):
        find(str(checkpoint))
    with pytest.raises(InputError, match=r"every checkpoint in .* is damaged"):
        find(str(tmp_path))


def naming(tokenizer: str) -> State:
    return State(step=0, tokens=0, skipped=(), model=MODEL, tokenizer=tokenizer, sequence_length=16, data="", files={})


def test_a_tokenizer_in_the_checkpoint_comes_before_one_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outside, inside = tmp_path / "tokenizer", tmp_path / "checkpoint" / "tokenizer"
    outside.mkdir()
    assert tokenizer_path(tmp_path / "checkpoint", naming("tokenizer")).absolute() == outside
    inside.mkdir(parents=True)
    assert tokenizer_path(tmp_path / "checkpoint", naming("tokenizer")) == inside
    assert tokenizer_path(tmp_path / "checkpoint", naming(str(outside))) == outside


def test_a_tokenizer_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not at data/tokenizer; run this where the training ran"):
        tokenizer_path(tmp_path, naming("data/tokenizer"))
    with pytest.raises(InputError, match="has no tokenizer"):
        tokenizer_path(tmp_path, naming(""))
