import glob
import os
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import InputFile, compression_of, expand, locate, open_file

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
    assert [compression_of(name) for name in ("a.jsonl", "a.jsonl.GZ", "a.txt.zst")] == [None, "gzip", "zstd"]


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
