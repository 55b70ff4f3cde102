from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.duplicates.array_file import Array, ArrayFile, write_arrays, writing


def test_arrays_come_back_with_their_facts(tmp_path: Path) -> None:
    path = tmp_path / "file"
    arrays: dict[str, Array] = {"a": np.arange(5, dtype=np.uint32), "none": np.empty((0, 3), np.uint64), "b": np.eye(3)}
    write_arrays(path, "numbers", {"seed": 1}, arrays, rows=5)
    file = ArrayFile(path, "numbers", {"seed": 1})
    assert file.facts == {"rows": 5}
    for name, array in arrays.items():
        assert np.array_equal(file[name], array) and file[name].dtype == array.dtype
    assert np.array_equal(file.read("a", 1, 3), [1, 2])


def test_pieces_of_rows_are_copies(tmp_path: Path) -> None:
    table = np.arange(60, dtype=np.uint16).reshape(20, 3)
    write_arrays(tmp_path / "file", "numbers", {}, {"first": np.arange(5), "table": table})
    file = ArrayFile(tmp_path / "file", "numbers", {})
    pieces = list(file.pieces("table", [3, 0, 19, 7], [5, 0, 20, 7]))
    for piece, expected in zip(pieces, (table[3:5], table[:0], table[19:], table[:0]), strict=True):
        assert np.array_equal(piece, expected) and piece.shape == expected.shape
    assert np.array_equal(file.read("table"), table)


def test_an_array_may_grow_piece_by_piece(tmp_path: Path) -> None:
    with writing(tmp_path / "file", "numbers", {}) as writer:
        for start in range(0, 100, 10):
            writer.append("a", np.arange(start, start + 10))
            writer.append("b", np.zeros((1, 7), np.uint8))
    file = ArrayFile(tmp_path / "file", "numbers", {})
    assert np.array_equal(file["a"], np.arange(100))
    assert file["b"].shape == (10, 7)


def test_a_file_with_other_settings_is_refused_by_their_name(tmp_path: Path) -> None:
    write_arrays(tmp_path / "file", "numbers", {"bands": 4, "rows": 2}, {})
    with pytest.raises(InputError, match=r"was made with bands = 4, and bands is 5 now"):
        ArrayFile(tmp_path / "file", "numbers", {"bands": 5, "rows": 2})


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    write_arrays(tmp_path / "file", "numbers", {}, {})
    with pytest.raises(InputError, match="holds numbers of format 1, and pairs of format 1 are needed"):
        ArrayFile(tmp_path / "file", "pairs", {})
    path = tmp_path / "file"
    path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 9'))
    with pytest.raises(InputError, match="of format 9, and numbers of format 1"):
        ArrayFile(tmp_path / "file", "numbers", {})


@pytest.mark.parametrize("bytes_left", [0, 4, 15, 40, 200, -1])
def test_a_cut_or_missing_file_is_refused(tmp_path: Path, bytes_left: int) -> None:
    path = tmp_path / "file"
    write_arrays(path, "numbers", {}, {"a": np.arange(100)})
    path.write_bytes(path.read_bytes()[:bytes_left])
    with pytest.raises(InputError, match="delete the file, and it is made anew"):
        ArrayFile(path, "numbers", {})
    path.unlink()
    with pytest.raises(InputError, match="missing"):
        ArrayFile(path, "numbers", {})


def test_an_error_while_writing_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writing(tmp_path / "file", "numbers", {}) as writer:
        writer.append("a", np.arange(1000))
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
