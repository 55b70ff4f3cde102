import bz2
import glob
import gzip
import os
import random
import tempfile
import zlib
from pathlib import Path

import fsspec
import huggingface_hub
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import DAMAGED, InputFile, compression_of, expand, locate, open_file, read_blocks

TREE = [
    "a.jsonl",
    "b.jsonl",
    "b.txt",
    "x/a.jsonl",
    "x/.hidden.jsonl",
    "x/y/a.jsonl",
    "x/y/[odd].jsonl",
    ".dot/a.jsonl",
    "z.jsonl/inside.txt",
]
PATTERNS = [
    "*.jsonl",
    "**/*.jsonl",
    "x/**",
    "**",
    "x/*",
    "*/a.jsonl",
    "**/y/*",
    "[ab].jsonl",
    "?.txt",
    "x/**/a.jsonl",
    "x/.*.jsonl",
    "x/y/**/*",
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for number, name in enumerate(TREE):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"." * number)
    return tmp_path


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_patterns_match_as_in_the_standard_library(tree: Path, pattern: str, scheme: str) -> None:
    expected = sorted(path for path in glob.glob(f"{tree}/{pattern}", recursive=True) if os.path.isfile(path))
    files = expand([f"{scheme}{tree}/{pattern}"])
    assert expected
    assert files == [InputFile(scheme + path, os.path.getsize(path)) for path in expected]


def test_patterns_that_overlap_name_a_file_once(tree: Path) -> None:
    files = expand([f"{tree}/b.jsonl", f"{tree}/*.jsonl", f"{tree}//x/../a.jsonl"])
    assert [file.path for file in files] == [f"{tree}/a.jsonl", f"{tree}/b.jsonl"]


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_path_without_wildcards_matches_its_file(tree: Path, scheme: str) -> None:
    assert [file.bytes for file in expand([f"{scheme}{tree}/x/a.jsonl"])] == [TREE.index("x/a.jsonl")]


def test_a_file_whose_name_looks_like_a_glob_matches_its_name(tree: Path) -> None:
    assert [file.path for file in expand([f"{tree}/x/y/[odd].jsonl"])] == [f"{tree}/x/y/[odd].jsonl"]


def test_relative_patterns_stay_relative(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    assert [file.path for file in expand(["*.jsonl"])] == ["a.jsonl", "b.jsonl"]


@pytest.mark.parametrize("scheme", ["", "file://"])
@pytest.mark.parametrize("pattern", ["none.jsonl", "*.parquet", "none/*.jsonl"])
def test_a_pattern_without_a_file_is_named(tree: Path, scheme: str, pattern: str) -> None:
    with pytest.raises(InputError, match="no file matches") as caught:
        expand([f"{tree}/a.jsonl", f"{scheme}{tree}/{pattern}"])
    assert f"{scheme}{tree}/{pattern}" in str(caught.value)


def test_a_folder_is_refused_with_the_glob_of_its_files(tree: Path) -> None:
    with pytest.raises(InputError, match=r"it is a folder: .*/x/\*\*/\* matches the files in it"):
        expand([f"{tree}/x"])


def test_no_patterns_are_an_error() -> None:
    with pytest.raises(InputError, match="no files are named"):
        expand([])


def test_the_suffix_determines_the_compression() -> None:
    names = ("a.jsonl", "a.jsonl.GZ", "a.txt.zst", "a.xml.bz2")
    assert [compression_of(name) for name in names] == [None, "gzip", "zstd", "bz2"]


@pytest.mark.parametrize("name", ["plain.txt", "a name with spaces.txt", "100%41.txt", "深い/日本語.txt"])
def test_a_local_path_and_its_file_address_name_the_same_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"content")
    for address in (str(path), f"file://{path}"):
        system, location = locate(address)
        assert system.get_file_info([location])[0].size == 7
        with open_file(address) as file:
            assert file.read() == b"content"


def test_addresses_of_fsspec_are_matched_and_opened() -> None:
    memory = fsspec.filesystem("memory")
    for name, content in {"a.txt": b"one", "x/b.txt": b"twelve", "x/c.json": b""}.items():
        memory.pipe(f"/datasets/owner/name/{name}", content)
    files = expand(["memory://datasets/owner/name/**/*.txt"])
    assert [(file.path.rpartition("datasets")[2], file.bytes) for file in files] == [
        ("/owner/name/a.txt", 3),
        ("/owner/name/x/b.txt", 6),
    ]
    with open_file(files[1].path) as file:
        assert file.read() == b"twelve"


def test_datasets_of_hugging_face_are_a_file_system_of_fsspec() -> None:
    system, location = locate("hf://datasets/owner/name/data/a.parquet")
    assert location == "datasets/owner/name/data/a.parquet"
    assert isinstance(system.handler.fs, huggingface_hub.HfFileSystem)


def test_an_address_that_nothing_reads_is_an_error() -> None:
    with pytest.raises(InputError, match=r"^nowhere:// is no address that can be read"):
        expand(["nowhere://a/b.txt"])


@pytest.mark.parametrize("suffix", ["gz", "zst", "bz2"])
@given(cut=st.floats(0, 0.95), size=st.integers(2, 400_000))
@settings(max_examples=12, deadline=None)
def test_everything_before_the_cut_of_a_file_is_given(suffix: str, cut: float, size: int) -> None:
    content = random.Random(size).randbytes(size // 2).hex().encode()
    pack = {"gz": gzip.compress, "zst": lambda data: pa.Codec("zstd").compress(data, asbytes=True), "bz2": bz2.compress}
    data = pack[suffix](content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{suffix}")
        path.write_bytes(data[: int(len(data) * cut) + 1])
        given: list[bytes] = []
        with pytest.raises(DAMAGED):
            given.extend(read_blocks(str(path)))
        read = b"".join(given)
        assert content.startswith(read)
        if suffix == "gz":
            assert read == zlib.decompressobj(31).decompress(path.read_bytes())
        if suffix == "bz2":
            assert read == bz2.BZ2Decompressor().decompress(path.read_bytes())
