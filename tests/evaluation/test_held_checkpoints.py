"""Checkpoints that are held while the trainer deletes its own."""

import os
import shutil
from pathlib import Path

import pytest

from tanuki_jax.base.claims import Claim
from tanuki_jax.evaluation.held_checkpoints import HeldCheckpoints, is_trained


def save(run: Path, step: int) -> Path:
    """Write something like a checkpoint."""
    folder = run / "checkpoints" / f"{step:08d}"
    (folder / "base").mkdir(parents=True)
    (folder / "base" / "array").write_bytes(b"weights")
    (folder / "state.json").write_text("{}")
    return folder


def test_a_checkpoint_stays_when_its_own_folder_is_deleted(tmp_path: Path) -> None:
    held = HeldCheckpoints(tmp_path / "run", tmp_path / "held")
    first = save(tmp_path / "run", 100)
    assert held.look(set()) == [100]
    shutil.rmtree(first)
    save(tmp_path / "run", 200)
    assert held.look(set()) == [100, 200]
    assert (held.path(100) / "base" / "array").read_bytes() == b"weights"
    held.release(100)
    assert held.look({100}) == [200] and not held.deleted


def test_unfinished_and_done_checkpoints_are_left_alone(tmp_path: Path) -> None:
    save(tmp_path, 100)
    save(tmp_path, 200).joinpath("state.json").unlink()
    (tmp_path / "checkpoints" / "damaged-3").mkdir()
    (tmp_path / "checkpoints" / "damaged-3" / "state.json").write_text("{}")
    assert HeldCheckpoints(tmp_path, tmp_path / "held").look({100}) == []


def test_a_deleted_checkpoint_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save(tmp_path, 100)

    def vanish(source: str, target: str) -> None:
        shutil.rmtree(folder)
        raise FileNotFoundError(source)

    monkeypatch.setattr(os, "link", vanish)
    held = HeldCheckpoints(tmp_path, tmp_path / "held")
    assert held.look(set()) == [] and held.deleted == [100]
    assert not [*(tmp_path / "held").glob("*")]


def test_a_trainer_is_seen_by_its_lock(tmp_path: Path) -> None:
    assert not is_trained(tmp_path)
    claim = Claim.attempt(tmp_path / "trainer.lock")
    assert claim is not None and is_trained(tmp_path)
    claim.release()
    assert not is_trained(tmp_path)
