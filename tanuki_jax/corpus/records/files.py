"""Input files, on this machine or in a bucket: matched by patterns, and opened."""

import bz2
import fnmatch
import functools
import glob
import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa
import pyarrow.fs

from tanuki_jax.base.errors import InputError

DAMAGED = (OSError, EOFError, zlib.error, pa.ArrowException)
"""Errors of reading a file that is damaged or cannot be reached."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_RECORD = 128 << 20
"""Most bytes of a line, a value or a compressed text that are read: some kilobytes can unpack to more than any memory
holds."""
LONGEST_SKIP = 4 << 30
"""Most bytes that are passed over to find the end of such a record; then the file counts as damaged there."""
type Compression = Literal["gzip", "zstd", "bz2"]
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
_BLOCK, _SMALL = 1 << 20, 1 << 12
_ARROW_SCHEMES = ("file", "gs", "gcs", "s3", "abfs", "abfss", "hdfs", "viewfs")


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that a pattern matched."""

    path: str
    """Local path, or an address: gs://, s3:// or hf://."""
    bytes: int
    """Size of the file as it is stored."""
    modified: int = field(default=0, compare=False)
    """Time of the last change in nanoseconds since 1970; 0: not known."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a file that one process reads.

    [start, stop) counts bytes of a .jsonl file and rows of a .parquet file; the slice owns the lines, or the row
    groups, that begin in it. Any other file is one slice, from 0 to its size in bytes.
    """

    path: str
    start: int
    stop: int


def expand(patterns: Sequence[str]) -> list[InputFile]:
    """Return the regular files that the patterns match, sorted by path, each once.

    A pattern is a path or a glob, local or on gs://, s3:// or hf:// (hf://datasets/OWNER/NAME/PATH). `**` matches
    folders of any depth; `*` and `**` leave out names that begin with a dot, as in the shell. InputError if there
    is no pattern, or one that matches no file.
    """
    if not patterns:
        raise InputError("no files are named: give at least one path or glob")
    files: dict[str, InputFile] = {}
    for pattern in patterns:
        matched = list(_expand_remote(pattern) if "://" in pattern else _expand_local(pattern))
        if not matched:
            folder = pattern.rstrip("/")
            hint = f"; it is a folder: {folder}/**/* matches the files in it" if os.path.isdir(pattern) else ""
            raise InputError(f"no file matches {pattern}{hint}")
        files.update((file.path, file) for file in matched)
    return [files[path] for path in sorted(files)]


def compression_of(path: str) -> Compression | None:
    """Return the compression of a file by its suffix, .gz, .zst or .bz2."""
    return _COMPRESSIONS.get(os.path.splitext(path.lower())[1])


def open_file(path: str) -> pa.NativeFile | gzip.GzipFile | bz2.BZ2File:
    """Open a file to read its bytes, decompressed; only an uncompressed file can seek.

    Reading a damaged file raises one of `DAMAGED`.
    """
    compression = compression_of(path)
    if compression is None:
        return open_stored(path)
    system, location = locate(path)
    if compression == "zstd":
        return system.open_input_stream(location, compression=compression)
    # Python's readers read on behind the end of a part, and pass over zeros that fill a tape.
    stored = system.open_input_stream(location, compression=None)
    return gzip.GzipFile(fileobj=stored) if compression == "gzip" else bz2.BZ2File(stored)


def open_stored(path: str) -> pa.NativeFile:
    """Open a file to read its bytes as they are stored."""
    system, location = locate(path)
    return system.open_input_file(location)


def read_blocks(path: str) -> Iterator[bytes]:
    """Yield the content of a file, decompressed, in blocks. Of a damaged file everything that can be decompressed is
    yielded, before one of `DAMAGED` is raised."""
    size, position = _BLOCK, 0
    while True:
        try:
            with open_file(path) as file:
                _pass_over(file, position)
                while block := file.read(size):
                    position += len(block)
                    yield block
                return
        except DAMAGED:
            # A read that fails gives nothing of what it had decompressed. Read the rest in smaller parts.
            if size == 1 or compression_of(path) is None:
                raise
            size = _SMALL if size > _SMALL else 1


def _pass_over(file: pa.NativeFile | gzip.GzipFile | bz2.BZ2File, size: int) -> None:
    while size and (block := file.read(min(size, _BLOCK))):
        size -= len(block)


def locate(path: str) -> tuple[pyarrow.fs.FileSystem, str]:
    """Return the file system of a local path or an address (gs://, s3://, file://, hf:// and others of fsspec), and the
    path inside it. InputError if nothing reads such an address."""
    scheme, mark, rest = path.partition("://")
    if not mark:
        return pyarrow.fs.LocalFileSystem(), path
    if scheme in _ARROW_SCHEMES:
        root, slash, key = rest.partition("/")
        system, base = _root(f"{scheme}://{root}/")
        return system, f"{base.rstrip('/')}{slash}{key}"
    return _other_system(scheme), rest


@functools.cache
def _root(address: str) -> tuple[pyarrow.fs.FileSystem, str]:
    system, base = pyarrow.fs.FileSystem.from_uri(address)
    return system, base


@functools.cache
def _other_system(scheme: str) -> pyarrow.fs.FileSystem:
    """Return a file system of fsspec, among them Hugging Face's, hf://."""
    try:
        import fsspec

        return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(fsspec.filesystem(scheme)))
    except (ImportError, ValueError) as error:
        raise InputError(f"{scheme}:// is no address that can be read: {error}") from None


def _expand_local(pattern: str) -> Iterator[InputFile]:
    paths = [pattern] if os.path.isfile(pattern) else glob.glob(pattern, recursive=True)
    for path in paths:
        if os.path.isfile(path):
            try:
                path.encode()
            except UnicodeEncodeError:
                raise InputError(f"the name of the file {path!r} is not UTF-8: rename the file") from None
            found = os.stat(path)
            yield InputFile(os.path.normpath(path), found.st_size, found.st_mtime_ns)


def _expand_remote(pattern: str) -> Iterator[InputFile]:
    scheme = pattern.partition("://")[0]
    system, location = locate(pattern)
    segments = location.split("/")
    # A bucket has no glob of its own: list everything below the longest part of the pattern without wildcards, and
    # match the rest.
    fixed = next((i for i, segment in enumerate(segments) if glob.has_magic(segment)), len(segments))
    if fixed == len(segments):
        matched = system.get_file_info([location])
    else:
        selector = pyarrow.fs.FileSelector("/".join(segments[:fixed]) or "/", allow_not_found=True, recursive=True)
        matched = [
            info for info in system.get_file_info(selector) if _matches(info.path.split("/")[fixed:], segments[fixed:])
        ]
    for info in matched:
        if info.type == pyarrow.fs.FileType.File:
            yield InputFile(f"{scheme}://{info.path}", info.size, info.mtime_ns or 0)


def _matches(names: Sequence[str], segments: Sequence[str]) -> bool:
    """Whether the parts of a path match those of a glob."""
    if not segments or not names:
        return not names and all(segment == "**" for segment in segments)
    visible = not names[0].startswith(".") or segments[0].startswith(".")
    if segments[0] == "**":
        return _matches(names, segments[1:]) or (visible and _matches(names[1:], segments))
    return visible and fnmatch.fnmatchcase(names[0], segments[0]) and _matches(names[1:], segments[1:])
