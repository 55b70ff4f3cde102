"""Where a path leads: this machine's files, or a bucket."""

import functools

import pyarrow.fs


def locate(path: str) -> tuple[pyarrow.fs.FileSystem, str]:
    """The file system of a local path, or of a gs://, s3:// or file:// address, and the path as that file system names it."""
    scheme, mark, rest = path.partition("://")
    if not mark:
        return pyarrow.fs.LocalFileSystem(), path
    root, slash, key = rest.partition("/")
    system, base = _root(f"{scheme}://{root}/")
    return system, f"{base.rstrip('/')}{slash}{key}"


@functools.cache
def _root(address: str) -> tuple[pyarrow.fs.FileSystem, str]:
    system, base = pyarrow.fs.FileSystem.from_uri(address)
    return system, base
