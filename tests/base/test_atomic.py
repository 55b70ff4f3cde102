"""Files and folders that appear under their names only once they are complete."""

import threading
from pathlib import Path

import pytest

from tanuki_jax.base.atomic import FolderDraft, new_folder, replace_text, replacing
from tanuki_jax.base.errors import InputError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    replace_text(path, "old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    replace_text(path, "old")
    with pytest.raises(ValueError, match="half way"), replacing(path) as partial:
        partial.write_text("ne")
        raise ValueError("half way")
    assert names(tmp_path) == ["file.txt"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("sync", [True, False])
def test_a_reader_never_sees_half_of_a_text(tmp_path: Path, sync: bool) -> None:
    path, ended = tmp_path / "file", threading.Event()
    replace_text(path, "", sync=sync)

    def write() -> None:
        for number in range(60):
            replace_text(path, "狸" * 200_000 * (number % 3), sync=sync)
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    lengths = set[int]()
    while not ended.is_set():
        lengths.add(len(path.read_text("utf-8")))
    writer.join()
    assert lengths <= {0, 200_000, 400_000}


def test_a_folder_appears_at_the_end_of_the_block(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with new_folder(out) as draft:
        (draft / "a").write_text("1")
        assert not out.exists()
    assert names(out.parent) == ["out"]
    assert (out / "a").read_text() == "1"


@pytest.mark.parametrize("concurrent", [False, True])
def test_an_error_leaves_no_folder(tmp_path: Path, concurrent: bool) -> None:
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "out", concurrent=concurrent) as draft:
        (draft / "a").write_text("1")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_the_draft_of_a_killed_process_is_deleted(tmp_path: Path) -> None:
    killed = FolderDraft(tmp_path / "out")
    (killed.path / "stale").write_text("1")
    with new_folder(tmp_path / "out"):
        pass
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == []


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="out exists already"), new_folder(tmp_path / "out"):
        pass
    assert names(tmp_path) == ["out"]


def test_the_first_of_concurrent_writers_counts(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()  # an empty folder may be replaced
    with new_folder(tmp_path / "out", concurrent=True) as slow:
        (slow / "slow").write_text("1")
        with new_folder(tmp_path / "out", concurrent=True) as fast:
            (fast / "fast").write_text("1")
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == ["fast"]


def test_a_concurrent_writer_does_not_replace_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("1")
    with pytest.raises(NotADirectoryError), new_folder(tmp_path / "out", concurrent=True):
        pass
    assert names(tmp_path) == ["out"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match=r"the folder .*file/a cannot be made: not a directory"),
        new_folder(tmp_path / "file" / "a"),
    ):
        pass
