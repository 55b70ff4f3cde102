import json
from pathlib import Path

import numpy as np
import pytest
import tensorstore

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


@pytest.mark.parametrize("count", [1, 16, 100, 128, 500])
@pytest.mark.parametrize("piece_bytes", [1, 64, 128, 10_000])
def test_files_are_those_that_tensorstore_writes_shard_by_shard(tmp_path: Path, count: int, piece_bytes: int) -> None:
    values = np.random.default_rng(count).integers(0, 50, count).astype(np.int32)
    array = GrowingArray(tmp_path / "ours", "int32", chunk_items=16, shard_bytes=512, piece_bytes=piece_bytes)
    for part in np.array_split(values, 7):
        array.append(part)
    array.close()
    specification = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": f"{tmp_path}/theirs/"},
        "store_data_equal_to_fill_value": True,
        "metadata": json.loads((tmp_path / "ours" / "zarr.json").read_text()),
    }
    tensorstore.open(specification, create=True).result().write(values).result()
    ours, theirs = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("ours", "theirs")
    )
    assert ours == theirs and len(ours) == 1 + -(-count // 128)


def test_an_abandoned_array_has_no_open_file(tmp_path: Path) -> None:
    array = GrowingArray(tmp_path / "a", "int32", chunk_items=16, shard_bytes=256, piece_bytes=64)
    array.append(np.ones(130, np.int32))
    opened = [path.resolve() for path in Path("/proc/self/fd").iterdir()]
    assert any(tmp_path in path.parents for path in opened)
    array.abandon()
    assert not any(tmp_path in path.resolve().parents for path in Path("/proc/self/fd").iterdir())


def test_a_folder_without_an_array_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zarr"):
        open_array(tmp_path)
