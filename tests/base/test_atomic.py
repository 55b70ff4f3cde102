"""Files that appear under their names only when they are complete."""

from pathlib import Path

import pytest

from tanuki_jax.base.atomic import replace_text, replacing


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    replace_text(path, "old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    replace_text(path, "old")
    with pytest.raises(ValueError, match="half way"), replacing(path) as partial:
        partial.write_text("ne")
        raise ValueError("half way")
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("file.txt", "old")]
