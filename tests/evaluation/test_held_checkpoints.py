"""Checkpoints that are held while the trainer deletes its own."""

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tanuki_jax.base.claims import Claim
from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.held_checkpoints import HeldCheckpoints, is_trained, watching


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


def test_half_of_a_checkpoint_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, link, scan = save(tmp_path, 100), os.link, os.scandir

    @contextlib.contextmanager
    def last_name_first(path: str) -> Iterator[list[os.DirEntry[str]]]:
        with scan(path) as entries:
            yield sorted(entries, key=lambda entry: entry.name, reverse=True)

    monkeypatch.setattr(os, "scandir", last_name_first)
    for name in ("first", "other"):
        (folder / name).mkdir()
        (folder / name / "array").write_bytes(b"weights")

    def link_while_the_trainer_deletes(source: str, target: str) -> None:
        link(source, target)
        (folder / "state.json").unlink(missing_ok=True)  # as `remove` of checkpoints/format.py does it
        for path in folder.glob("*/array"):
            path.unlink()

    monkeypatch.setattr(os, "link", link_while_the_trainer_deletes)
    held = HeldCheckpoints(tmp_path, tmp_path / "held")
    assert held.look(set()) == [] and held.deleted == [100]


def test_a_checkpoint_that_was_scored_before_a_kill_is_released(tmp_path: Path) -> None:
    save(tmp_path, 100)
    assert HeldCheckpoints(tmp_path, tmp_path / "held").look(set()) == [100]
    again = HeldCheckpoints(tmp_path, tmp_path / "held")
    assert again.look({100}) == [] and not again.path(100).exists()


def test_a_full_disk_is_an_error_and_no_deletion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 100)

    def fail(source: str, target: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(shutil, "copy2", fail)
    held = HeldCheckpoints(tmp_path, tmp_path / "held")
    with watching(held, set(), 0.01):
        time.sleep(0.05)
    with pytest.raises(InputError, match=r"cannot be held in .*No space left on device"):
        held.look(set())
    assert held.deleted == []


def test_two_threads_may_look_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 100)
    link = os.link

    def link_slowly(source: str, target: str) -> None:
        time.sleep(0.05)
        link(source, target)

    monkeypatch.setattr(os, "link", link_slowly)
    held = HeldCheckpoints(tmp_path, tmp_path / "held")
    with ThreadPoolExecutor(2) as threads:
        found = [each.result() for each in [threads.submit(held.look, set()) for _ in range(2)]]
    assert found == [[100], [100]] and held.deleted == []


def test_a_trainer_is_seen_by_its_lock(tmp_path: Path) -> None:
    assert not is_trained(tmp_path)
    claim = Claim.attempt(tmp_path / "trainer.lock")
    assert claim is not None and is_trained(tmp_path)
    claim.release()
    assert not is_trained(tmp_path)
