"""Fingerprints of served models."""

import os
import shutil
from pathlib import Path

from tanuki_jax.inference.server.fingerprint import fingerprint


def folder(path: Path) -> Path:
    path.mkdir()
    (path / "config.json").write_text("{}")
    (path / "model.safetensors").write_bytes(b"weights")
    return path


def test_a_copy_of_a_hugging_face_folder_has_its_fingerprint(tmp_path: Path) -> None:
    one = folder(tmp_path / "one")
    shutil.copytree(one, tmp_path / "two")  # which keeps the times of files
    assert fingerprint(one, "") == fingerprint(tmp_path / "two", "")


def test_other_weights_or_settings_change_the_fingerprint(tmp_path: Path) -> None:
    one = folder(tmp_path / "one")
    seen = {fingerprint(one, ""), fingerprint(one, "adapter")}
    (one / "config.json").write_text("[]")
    seen.add(fingerprint(one, ""))
    os.utime(one / "model.safetensors", ns=(0, 0))
    seen.add(fingerprint(one, ""))
    assert len(seen) == 4


def test_the_state_of_a_native_checkpoint_decides(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"files": {"a": "1"}}')
    before = fingerprint(tmp_path, "")
    (tmp_path / "other.json").write_text("{}")
    assert fingerprint(tmp_path, "") == before
    (tmp_path / "state.json").write_text('{"files": {"a": "2"}}')
    assert fingerprint(tmp_path, "") != before
