"""The limit of open files is raised where connections need it, or refused with the remedy."""

import subprocess
import sys

PROGRAM = """
import resource
from tanuki_jax.client.open_files import allow_connections
resource.setrlimit(resource.RLIMIT_NOFILE, (100, {hard}))
allow_connections(1000)
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def run(hard: int) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", PROGRAM.format(hard=hard)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_the_limit_is_raised_as_far_as_needed() -> None:
    assert run(2000).stdout == "(1200, 2000)\n"


def test_a_system_that_allows_fewer_is_an_error_with_a_remedy() -> None:
    error = run(1100).stderr
    assert "1,000 connections at a time need 1,200 open files, and this system allows 1,100; lower the" in error
