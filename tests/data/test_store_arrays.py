from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.data.store_arrays import GrowingArray, open_array


def write(folder: Path, parts: list[list[int]]) -> str:
    """Write an array of 64 items a shard, 16 a chunk; return its hash."""
    array = GrowingArray(folder, "int32", chunk_items=16, shard_bytes=256)
    for part in parts:
        array.append(np.array(part, np.int32))
    return array.close()


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
def test_values_read_back_however_they_were_appended(tmp_path: Path, count: int) -> None:
    values = [n * n % 1000 for n in range(count)]
    hashes = {
        write(tmp_path / str(step), [values[n : n + step] for n in range(0, count, step)]) for step in (7, 64, 999)
    }
    assert len(hashes) == 1
    for folder in tmp_path.iterdir():
        assert open_array(folder).read().result().tolist() == values
        assert len(list(folder.glob("c/*"))) == -(-count // 64)


def test_a_lost_shard_is_an_error_unless_it_is_filled(tmp_path: Path) -> None:
    write(tmp_path / "a", [[1] * 100])
    (tmp_path / "a" / "c" / "0").unlink()
    assert open_array(tmp_path / "a", fill_missing=True).read().result().tolist() == [0] * 64 + [1] * 36
    with pytest.raises(ValueError, match="missing"):
        open_array(tmp_path / "a").read().result()


def test_an_abandoned_array_has_no_write_in_flight(tmp_path: Path) -> None:
    array = GrowingArray(tmp_path / "a", "int32", chunk_items=16, shard_bytes=256)
    array.append(np.ones(130, np.int32))
    array.abandon()
    assert open_array(tmp_path / "a").read().result().tolist() == [1] * 128


def test_a_folder_without_an_array_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zarr"):
        open_array(tmp_path)
