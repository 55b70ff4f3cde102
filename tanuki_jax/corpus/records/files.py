"""Which files a source consists of, and how they are cut into slices that can be read in parallel."""

import fnmatch
import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.storage import locate

JSON_LINES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz", ".json.zst")
_COMPRESSIONS: dict[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that a pattern matched."""

    path: str
    """Local path, or a gs:// or s3:// address."""
    bytes: int
    """Size of the file as it is stored."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a file that is read in one go.

    [start, stop) are bytes of a .jsonl and rows of a .parquet file; the slice owns the lines, or the row groups, that begin in it.
    Any other file is one slice, from 0 to its size in bytes.
    """

    path: str
    start: int
    stop: int


def format_of(path: str) -> Literal["json_lines", "parquet", "text"]:
    """How the file is read, judged by its suffix: .jsonl (also .gz, .zst), .json.gz, .json.zst, .parquet; anything else is plain text."""
    name = path.lower()
    if name.endswith(JSON_LINES):
        return "json_lines"
    return "parquet" if name.endswith(".parquet") else "text"


def compression_of(path: str) -> Literal["gzip", "zstd"] | None:
    """The compression of the file as a whole, judged by its suffix: .gz or .zst."""
    return _COMPRESSIONS.get(os.path.splitext(path.lower())[1])


def expand(patterns: Sequence[str]) -> list[InputFile]:
    """The regular files that the patterns match, sorted by path, each once.

    A pattern is a path or a glob, local or on gs:// or s3://. `**` goes into folders of any depth; `*` and `**` leave out
    names that begin with a dot, as in the shell. InputError if there is no pattern, or one that matches no file.
    """
    if not patterns:
        raise InputError("no files are named: give at least one path or glob")
    files: dict[str, InputFile] = {}
    for pattern in patterns:
        matched = list(_expand_remote(pattern) if "://" in pattern else _expand_local(pattern))
        if not matched:
            folder = pattern.rstrip("/")
            hint = f"; it is a folder, whose files {folder}/**/* names" if os.path.isdir(pattern) else ""
            raise InputError(f"no file matches {pattern}{hint}")
        files.update((file.path, file) for file in matched)
    return [files[path] for path in sorted(files)]


def split(file: InputFile, bytes_per_slice: int) -> list[Slice]:
    """Cuts a file into slices of about `bytes_per_slice`; together they own every row once, in order.

    Only .jsonl (at any byte) and .parquet (between row groups, by their uncompressed size) can be cut. An empty file has no slices.
    InputError if a .parquet file is damaged.
    """
    assert bytes_per_slice > 0
    if format_of(file.path) == "parquet":
        return _split_parquet(file.path, bytes_per_slice)
    if format_of(file.path) == "json_lines" and compression_of(file.path) is None:
        return [
            Slice(file.path, start, min(start + bytes_per_slice, file.bytes))
            for start in range(0, file.bytes, bytes_per_slice)
        ]
    return [Slice(file.path, 0, file.bytes)] if file.bytes else []


def _split_parquet(path: str, bytes_per_slice: int) -> list[Slice]:
    system, location = locate(path)
    try:
        with system.open_input_file(location) as file:
            metadata = pq.read_metadata(file)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not a readable Parquet file: {error}") from error
    slices: list[Slice] = []
    start = stop = size = 0
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        stop += group.num_rows
        size += group.total_byte_size
        if size >= bytes_per_slice:
            slices.append(Slice(path, start, stop))
            start, size = stop, 0
    return [*slices, Slice(path, start, stop)] if stop > start else slices


def _expand_local(pattern: str) -> Iterator[InputFile]:
    paths = [pattern] if os.path.isfile(pattern) else glob.glob(pattern, recursive=True)
    for path in paths:
        if os.path.isfile(path):
            yield InputFile(os.path.normpath(path), os.path.getsize(path))


def _expand_remote(pattern: str) -> Iterator[InputFile]:
    scheme = pattern.partition("://")[0]
    system, location = locate(pattern)
    segments = location.split("/")
    fixed = next((i for i, segment in enumerate(segments) if glob.has_magic(segment)), len(segments))
    if fixed == len(segments):
        found = system.get_file_info([location])
    else:
        selector = pyarrow.fs.FileSelector("/".join(segments[:fixed]) or "/", allow_not_found=True, recursive=True)
        found = [
            info for info in system.get_file_info(selector) if _matches(info.path.split("/")[fixed:], segments[fixed:])
        ]
    for info in found:
        if info.type == pyarrow.fs.FileType.File:
            yield InputFile(f"{scheme}://{info.path}", info.size)


def _matches(names: Sequence[str], segments: Sequence[str]) -> bool:
    """Whether the parts of a path match those of a glob."""
    if not segments or not names:
        return not names and all(segment == "**" for segment in segments)
    visible = not names[0].startswith(".") or segments[0].startswith(".")
    if segments[0] == "**":
        return _matches(names, segments[1:]) or (visible and _matches(names[1:], segments))
    return visible and fnmatch.fnmatchcase(names[0], segments[0]) and _matches(names[1:], segments[1:])
