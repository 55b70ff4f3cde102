"""Search for undamaged checkpoints, and the errors about damaged ones."""

import dataclasses
import json
import logging
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import (
    State,
    damage,
    discard_after,
    find,
    finish,
    newest_good,
    read_state,
    remove,
    rewrite,
    set_aside,
    step_folder,
    steps,
    unfinished,
)
from tanuki_jax.config.model import Model

MODEL = Model(vocabulary=8, width=4, hidden=4, layers=1, heads=1, kv_heads=1)


def write(checkpoints: Path, step: int) -> Path:
    checkpoint = step_folder(checkpoints, step)
    (checkpoint / "base").mkdir(parents=True)
    (checkpoint / "base" / "data").write_bytes(bytes(range(256)) * step)
    state = State(
        step=step, tokens=9 * step, skipped=(3,), model=MODEL, tokenizer="t", sequence_length=16, data="d", files={}
    )
    finish(checkpoint, state)
    return checkpoint


def test_state_survives_the_disk(tmp_path: Path) -> None:
    state = read_state(write(tmp_path, 2))
    assert (state.step, state.tokens, state.skipped, state.model, state.sequence_length) == (2, 18, (3,), MODEL, 16)
    assert sorted(state.files) == ["base/data", "state.json"]


def test_a_state_from_before_it_had_a_checksum_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, 2) / "state.json"
    younger = ("version", "sums", "held_out", "history")
    older = {name: value for name, value in json.loads(path.read_text()).items() if name not in younger}
    del older["files"]["state.json"]
    path.write_text(json.dumps(older))
    assert damage(path.parent) == "" and read_state(path.parent).tokens == 18


def test_the_newest_undamaged_checkpoint_is_taken_and_damage_named(tmp_path: Path) -> None:
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


def test_a_run_a_folder_of_checkpoints_or_a_checkpoint_is_found(tmp_path: Path) -> None:
    checkpoint = write(tmp_path / "run" / "checkpoints", 5)
    assert (
        find(str(tmp_path / "run"))
        == find(str(tmp_path / "run" / "checkpoints"))
        == find(str(checkpoint))
        == checkpoint
    )


def test_a_missing_checkpoint_is_refused(tmp_path: Path) -> None:
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


def full_state(step: int) -> State:
    """Return a state with a value in every field."""
    return State(
        step=step,
        tokens=9 * step,
        skipped=(2, 3, 4),
        model=MODEL,
        tokenizer="t",
        sequence_length=16,
        data="d",
        files={},
        sums={"base.norm": 12345},
        held_out={"held_out/all": 2.5e-05},
        history={"losses": [2.0, 1e-07], "spikes": [{"first": 3, "reason": "it rose"}], "slow_until": 7},
    )


def write_full(checkpoints: Path, step: int) -> Path:
    chance, checkpoint = random.Random(step), step_folder(checkpoints, step)
    for name in ("base/d/one", "base/manifest", "optimizer/d/two"):
        (checkpoint / name).parent.mkdir(parents=True, exist_ok=True)
        (checkpoint / name).write_bytes(chance.randbytes(200))
    finish(checkpoint, full_state(step))
    return checkpoint


def files(checkpoint: Path) -> list[Path]:
    return sorted(path for path in checkpoint.rglob("*") if path.is_file())


def flip(checkpoint: Path, chance: random.Random) -> None:
    path = chance.choice(files(checkpoint))
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def truncate(checkpoint: Path, chance: random.Random) -> None:
    path = chance.choice(files(checkpoint))
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def lose(checkpoint: Path, chance: random.Random) -> None:
    chance.choice(files(checkpoint)).unlink()


def add(checkpoint: Path, chance: random.Random) -> None:
    (chance.choice(files(checkpoint)).parent / "more").touch()


def edit(checkpoint: Path, chance: random.Random) -> None:
    """Change state.json to other valid JSON: another value, another type, a field too many or too few."""
    path = checkpoint / "state.json"
    state = json.loads(path.read_text())
    name = chance.choice(sorted(state))
    changes: list[Callable[[], Any]] = [
        lambda: state.update({name: [state[name]]}),
        lambda: state.update({name: None}),
        lambda: state.pop(name),
        lambda: state.update(more=1),
        lambda: state.update(tokens=chance.randrange(10**6)),
        lambda: state.update(step=state["step"] + 1),
        lambda: state["skipped"].pop(),
        lambda: state["files"].pop(chance.choice(sorted(state["files"]))),
    ]
    chance.choice(changes)()
    path.write_text(json.dumps(state, indent=2))


def swap(checkpoint: Path, chance: random.Random) -> None:
    """Exchange two files of a checkpoint, or take the state of another one."""
    other = chance.choice([checkpoint / "base" / "manifest", step_folder(checkpoint.parent, 2) / "state.json"])
    path = checkpoint / ("base/d/one" if other.name == "manifest" else "state.json")
    before = path.read_bytes()
    path.write_bytes(other.read_bytes())
    if other.is_relative_to(checkpoint):
        other.write_bytes(before)


@pytest.mark.parametrize("break_it", [flip, truncate, lose, add, edit, swap], ids=lambda fault: fault.__name__)
def test_a_broken_checkpoint_is_never_taken_and_the_one_before_it_is(
    tmp_path: Path, break_it: Callable[[Path, random.Random], None], caplog: pytest.LogCaptureFixture
) -> None:
    write_full(tmp_path, 2)
    original = write_full(tmp_path / "original", 4)
    for seed in range(25):
        broken = step_folder(tmp_path, 4)
        shutil.copytree(original, broken)
        break_it(broken, random.Random(seed))
        wrong = damage(broken)
        assert wrong and "\n" not in wrong
        good, passed_over = newest_good(tmp_path)
        assert good == step_folder(tmp_path, 2)
        assert passed_over == ({broken: wrong} if (broken / "state.json").exists() else {})
        caplog.clear()
        assert find(str(tmp_path)) == good
        assert [record.getMessage() for record in caplog.records] == [
            f"the checkpoint {broken} is damaged ({wrong}); {good} is used" for broken in passed_over
        ]
        shutil.rmtree(broken)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "state.json is not JSON: line 1"),
        ('{"step": 4,', "state.json is not JSON: line 1"),
        ("[]", r"the root of .*state.json is \[\], not the fields of State"),
        ('{"step": "four"}', "state.json lacks the field tokens"),
        ('{"stop": 4}', "state.json has the field stop, which State does not know"),
        ("\0" * 99, "state.json is not JSON"),
        ("[" * 100_000, "state.json cannot be read"),
        (f'{{"step": {"9" * 5000}}}', "state.json cannot be read"),
    ],
    ids=["empty", "half", "a list", "a word", "another field", "zeros", "deep", "long"],
)
def test_an_unreadable_state_is_described(tmp_path: Path, text: str, wrong: str) -> None:
    checkpoint = write_full(tmp_path, 4)
    (checkpoint / "state.json").write_text(text)
    with pytest.raises(InputError, match=wrong):
        read_state(checkpoint)
    assert damage(checkpoint)


def test_a_state_that_is_no_text_or_a_folder_is_damage(tmp_path: Path) -> None:
    checkpoint = write_full(tmp_path, 4)
    (checkpoint / "state.json").write_bytes(b"\xff\xfe{}")
    assert "cannot be read" in damage(checkpoint)
    (checkpoint / "state.json").unlink()
    (checkpoint / "state.json").mkdir()
    assert "is not a finished checkpoint" in damage(checkpoint)
    assert newest_good(tmp_path)[0] is None
    assert unfinished(tmp_path) == [checkpoint]
    remove(checkpoint)
    assert not checkpoint.exists()


def test_a_state_of_another_step_is_named(tmp_path: Path) -> None:
    write_full(tmp_path, 4).rename(step_folder(tmp_path, 6))
    assert damage(step_folder(tmp_path, 6)) == "its state.json is that of step 4"
    step_folder(tmp_path, 6).rename(tmp_path / "converted")
    assert damage(tmp_path / "converted") == ""


def test_a_checkpoint_set_aside_stays_and_no_longer_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        path = set_aside(write_full(tmp_path, 120), "base is missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "00000120.damaged",
        "00000120.damaged.2",
        "00000120.damaged.3",
    ]
    assert path.name == "00000120.damaged.3" and len(files(path)) == 4
    said = "is damaged (base is missing); it was renamed to 00000120.damaged, and the one before it is used"
    assert caplog.records[0].getMessage() == f"the checkpoint {step_folder(tmp_path, 120)} {said}"
    assert caplog.records[0].levelno == logging.WARNING and caplog.records[0].name == "tanuki_jax.checkpoints"
    assert (steps(tmp_path), unfinished(tmp_path), newest_good(tmp_path)) == ([], [], (None, {}))
    discard_after(tmp_path, 0)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_rewritten_checkpoint_keeps_its_files(tmp_path: Path) -> None:
    checkpoint = write_full(tmp_path, 4)
    before = read_state(checkpoint)
    rewrite(checkpoint, dataclasses.replace(before, skipped=(2, 3, 4, 8), history={"slow_until": 50}))
    after = read_state(checkpoint)
    assert (after.skipped, after.history, damage(checkpoint)) == ((2, 3, 4, 8), {"slow_until": 50}, "")
    assert {name: digest for name, digest in after.files.items() if before.files[name] != digest} == {
        "state.json": after.files["state.json"]
    }
    (checkpoint / "base" / "d" / "one").write_bytes(b"")
    rewrite(checkpoint, after)
    assert damage(checkpoint) == "base/d/one has another checksum than when it was saved"


def test_checkpoints_after_a_step_are_discarded_finished_or_not(tmp_path: Path) -> None:
    for step in (8, 16, 24):
        write_full(tmp_path, step)
    for name in ("00000012", "00000032.orbax-checkpoint-tmp"):
        (tmp_path / name / "base").mkdir(parents=True)
    discard_after(tmp_path, 8)
    assert [path.name for path in tmp_path.iterdir()] == ["00000008"]
    assert damage(step_folder(tmp_path, 8)) == ""


def test_a_kill_while_checkpoints_are_discarded_leaves_the_older_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (8, 16, 24, 32):
        write_full(tmp_path, step)
    real, removed = shutil.rmtree, []

    def killed_at_the_second(path: Path) -> None:
        removed.append(path)
        if len(removed) == 2:
            (path / "base" / "manifest").unlink()
            raise KeyboardInterrupt
        real(path)

    monkeypatch.setattr(shutil, "rmtree", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        discard_after(tmp_path, 8)
    assert steps(tmp_path) == [8, 16]
    assert newest_good(tmp_path) == (step_folder(tmp_path, 16), {})
    assert unfinished(tmp_path) == [step_folder(tmp_path, 24)]


def test_a_partly_removed_checkpoint_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = write_full(tmp_path, 4)

    def killed(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        remove(checkpoint)
    assert (steps(tmp_path), unfinished(tmp_path)) == ([], [checkpoint])
