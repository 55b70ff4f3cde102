"""The demo reads files that every machine has, and fits on a laptop."""

import sys
import sysconfig
from pathlib import Path

from tanuki_jax.config import registry


def library_files() -> list[Path]:
    source = registry.mixture.find("demo").sources[0]
    found = []
    for pattern in source.paths:
        stdlib = Path(sysconfig.get_path("stdlib"))
        files = sorted(stdlib.glob(Path(pattern).relative_to(stdlib).as_posix()))
        assert files, pattern
        found += files
    return found


def test_the_library_is_a_few_megabytes_of_this_python() -> None:
    files = library_files()
    assert len(set(files)) == len(files)
    assert 4_000_000 < sum(file.stat().st_size for file in files) < 12_000_000
    assert Path(sys.modules["json"].__file__ or "") in files


def test_neither_installed_packages_nor_test_suites_are_read() -> None:
    folders = {part for file in library_files() for part in file.relative_to(sysconfig.get_path("stdlib")).parts[:-1]}
    assert folders.isdisjoint({"site-packages", "dist-packages", "test", "tests", "idlelib", "idle_test"})
