"""Files of safetensors, against the library that reads and writes them whole."""

import json
import math
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.hugging_face import shards
from tanuki_jax.checkpoints.hugging_face.shards import Shards
from tanuki_jax.checkpoints.hugging_face.tensors import Tensor

TENSORS = [Tensor("a", (7, 5), "a", ()), Tensor("b", (3,), "b", ()), Tensor("c.weight", (40, 2), "c", ())]


def value(tensor: Tensor) -> npt.NDArray[np.float32]:
    """Transposed, as matrices come."""
    return np.random.default_rng(len(tensor.name)).standard_normal(tensor.shape[::-1], np.float32).T


def read_with_library(folder: Path) -> dict[str, npt.NDArray[Any]]:
    found: dict[str, npt.NDArray[Any]] = {}
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            found |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            assert file.metadata() == {"format": "pt"}
    return found


@pytest.mark.parametrize(("dtype", "kind"), [("float32", np.float32), ("bfloat16", ml_dtypes.bfloat16)])
def test_one_file_without_an_index(dtype: str, kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "BLOCK_BYTES", 64)
    assert shards.write(tmp_path, TENSORS, dtype, value) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    found = read_with_library(tmp_path)
    assert found.keys() == {"a", "b", "c.weight"}
    for tensor in TENSORS:
        assert found[tensor.name].dtype == kind
        assert (found[tensor.name] == value(tensor).astype(kind)).all()


def test_files_are_filled_up_to_their_size(tmp_path: Path) -> None:
    assert shards.write(tmp_path, TENSORS, "float32", value, shard_bytes=4 * (35 + 3)) == 2
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    assert index["weight_map"] == {"a": first, "b": first, "c.weight": second}
    assert index["metadata"]["total_size"] == 4 * sum(math.prod(tensor.shape) for tensor in TENSORS)
    assert all((read_with_library(tmp_path)[tensor.name] == value(tensor)).all() for tensor in TENSORS)


def test_a_tensor_larger_than_a_file_gets_one_of_its_own(tmp_path: Path) -> None:
    assert shards.write(tmp_path, TENSORS, "float32", value, shard_bytes=1) == 3


@pytest.mark.parametrize("shard_bytes", [10**9, 100])
def test_parts_are_read_from_any_file(shard_bytes: int, tmp_path: Path) -> None:
    shards.write(tmp_path, TENSORS, "bfloat16", value, shard_bytes)
    files = Shards(tmp_path)
    assert {name: (stored.shape, stored.code) for name, stored in files.tensors.items()} == {
        tensor.name: (tensor.shape, "BF16") for tensor in TENSORS
    }
    expected = value(TENSORS[2]).astype(ml_dtypes.bfloat16)
    assert (files.read("c.weight", slice(None)) == expected).all()
    assert (files.read("c.weight", slice(10, 20)) == expected[10:20]).all()
    assert (files.read("b", slice(0, 2)) == value(TENSORS[1]).astype(ml_dtypes.bfloat16)[:2]).all()


def test_what_the_library_wrote_is_read(tmp_path: Path) -> None:
    tensors: dict[str, npt.NDArray[Any]] = {
        "x": np.arange(6, dtype=np.float16).reshape(2, 3),
        "y": np.arange(4, dtype=np.int64),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    files = Shards(tmp_path)
    assert {name: stored.code for name, stored in files.tensors.items()} == {"x": "F16", "y": "I64"}
    assert (files.read("x", slice(1, 2)) == tensors["x"][1:]).all()


def test_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has neither model\.safetensors nor model\.safetensors\.index\.json"):
        Shards(tmp_path)
    shards.write(tmp_path, TENSORS, "float32", value)
    content = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(content[:-1])
    with pytest.raises(InputError, match=r"model\.safetensors cannot be read as safetensors"):
        Shards(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    index = tmp_path / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"a": "model-00001-of-00001.safetensors"}}')
    with pytest.raises(InputError, match=r"model-00001-of-00001\.safetensors cannot be read"):
        Shards(tmp_path)
    index.write_text('{"weight_map": ["a"]}')
    with pytest.raises(InputError, match="has no weight_map"):
        Shards(tmp_path)


def test_files_that_contradict_their_index_are_named(tmp_path: Path) -> None:
    shards.write(tmp_path, TENSORS, "float32", value, shard_bytes=1)
    index = tmp_path / "model.safetensors.index.json"
    places = json.loads(index.read_text())["weight_map"]
    first, second = places["a"], places["b"]

    def refusal(weight_map: dict[str, str]) -> str:
        index.write_text(json.dumps({"weight_map": weight_map}))
        with pytest.raises(InputError) as raised:
            Shards(tmp_path)
        return str(raised.value)

    third = places["c.weight"]
    everywhere = places | {"x": first}  # which keeps the file in the list
    assert f"{first} has the tensor a, which is in {third} by " in refusal(everywhere | {"a": third})
    assert f"{first} lacks the tensor d, which is in it by " in refusal(places | {"d": first})
    for name in ("../other.safetensors", "..", "", "a\0b", "\ud800"):
        assert "which is no file of safetensors in its folder" in refusal(places | {"a": name})
    (tmp_path / second).write_bytes((tmp_path / first).read_bytes())
    del places["a"], places["b"]
    assert f"{second} has the tensor a, and so has {first}" in refusal(places | {"x": first, "y": second})


def test_an_index_of_other_files_beside_a_whole_file_is_refused(tmp_path: Path) -> None:
    shards.write(tmp_path, TENSORS, "float32", value, shard_bytes=1)
    shards.write(tmp_path, TENSORS[:1], "float32", value)
    with pytest.raises(InputError, match=r"safetensors and model\.safetensors\.index\.json, which names other files"):
        Shards(tmp_path)


def test_a_tensor_that_the_index_omits_is_seen(tmp_path: Path) -> None:
    shards.write(tmp_path, TENSORS, "float32", value, shard_bytes=4 * (35 + 3))
    index = tmp_path / "model.safetensors.index.json"
    places = json.loads(index.read_text())["weight_map"]
    index.write_text(json.dumps({"weight_map": {name: file for name, file in places.items() if name != "a"}}))
    assert set(Shards(tmp_path).tensors) == {"a", "b", "c.weight"}
