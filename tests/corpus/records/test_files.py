import glob
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import InputFile, Slice, compression_of, expand, format_of, split

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
def test_patterns_mean_here_and_at_an_address_what_they_mean_to_the_standard_library(
    tree: Path, pattern: str, scheme: str
) -> None:
    expected = sorted(path for path in glob.glob(f"{tree}/{pattern}", recursive=True) if os.path.isfile(path))
    found = expand([f"{scheme}{tree}/{pattern}"])
    assert expected
    assert found == [InputFile(scheme + path, os.path.getsize(path)) for path in expected]


def test_patterns_that_overlap_name_a_file_once(tree: Path) -> None:
    files = expand([f"{tree}/b.jsonl", f"{tree}/*.jsonl", f"{tree}//x/../a.jsonl"])
    assert [file.path for file in files] == [f"{tree}/a.jsonl", f"{tree}/b.jsonl"]


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_plain_path_is_taken_as_it_is(tree: Path, scheme: str) -> None:
    assert [file.bytes for file in expand([f"{scheme}{tree}/x/a.jsonl"])] == [TREE.index("x/a.jsonl")]


def test_a_file_whose_name_looks_like_a_glob_is_found_by_its_name(tree: Path) -> None:
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


def test_a_folder_is_answered_with_the_glob_of_its_files(tree: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder, whose files .*/x/\*\*/\* names"):
        expand([f"{tree}/x"])


def test_no_patterns_are_an_error() -> None:
    with pytest.raises(InputError, match="no files are named"):
        expand([])


def test_json_lines_are_cut_anywhere_and_what_cannot_be_cut_stays_whole() -> None:
    assert split(InputFile("a.jsonl", 25), 10) == [
        Slice("a.jsonl", 0, 10),
        Slice("a.jsonl", 10, 20),
        Slice("a.jsonl", 20, 25),
    ]
    for name in ("a.jsonl.zst", "a.jsonl.gz", "a.json.gz", "a.txt", "a.json", "a.py"):
        assert split(InputFile(name, 25), 10) == [Slice(name, 0, 25)]
    assert split(InputFile("empty.jsonl", 0), 10) == split(InputFile("empty.txt", 0), 10) == []


def test_parquet_is_cut_between_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": [f"row {i}" for i in range(1000)]}), path, row_group_size=100, compression="none")
    file = InputFile(str(path), path.stat().st_size)
    group_bytes = pq.read_metadata(path).row_group(0).total_byte_size
    assert split(file, 1) == [Slice(file.path, start, start + 100) for start in range(0, 1000, 100)]
    assert [(part.start, part.stop) for part in split(file, int(2.5 * group_bytes))] == [
        (0, 300),
        (300, 600),
        (600, 900),
        (900, 1000),
    ]


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    path.write_bytes(b"not parquet at all")
    with pytest.raises(InputError, match=r"bad\.parquet is not a readable Parquet file"):
        split(InputFile(str(path), 18), 10)


def test_the_suffix_says_format_and_compression() -> None:
    assert [format_of(name) for name in ("A.JSONL", "a.json.zst", "a.parquet", "a.json", "a.txt.gz", "a")] == [
        "json_lines",
        "json_lines",
        "parquet",
        "text",
        "text",
        "text",
    ]
    assert [compression_of(name) for name in ("a.jsonl", "a.jsonl.GZ", "a.txt.zst")] == [None, "gzip", "zstd"]
