"""Retries of reads: only of transient errors, a limited number, and the last error is raised unchanged."""

import errno
import itertools
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tanuki_jax.base.retries import TRANSIENT, WAITS, retrying, system_errors

PATH = Path("store/tokens")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def failing(errors: Iterator[Exception | None]) -> str:
    if (error := next(errors)) is not None:
        raise error
    return "read"


def test_a_transient_failure_is_logged_and_waits_grow(waits: list[float], caplog: pytest.LogCaptureFixture) -> None:
    errors = iter(
        [OSError(errno.EIO, "Input/output error"), ValueError("open: Stale file handle [os_error_code='116']"), None]
    )
    with caplog.at_level(logging.WARNING):
        assert retrying(lambda: failing(errors), PATH) == "read"
    assert waits == [0.1, 0.2]
    assert [record.getMessage() for record in caplog.records] == [
        "reading store/tokens failed (Input/output error); trying again in 0.1 s",
        "reading store/tokens failed (Stale file handle); trying again in 0.2 s",
    ]


@pytest.mark.parametrize("number", sorted(TRANSIENT))
def test_the_last_failure_is_raised_unchanged(waits: list[float], number: int) -> None:
    errors: Iterator[Exception] = (OSError(number, f"try {count}") for count in range(100))
    with pytest.raises(OSError, match=f"try {len(WAITS)}") as raised:
        retrying(lambda: failing(errors), PATH)
    assert raised.value.errno == number
    assert waits == list(WAITS) and all(b == 2 * a for a, b in itertools.pairwise(waits))


@pytest.mark.parametrize(
    "error", [PermissionError(errno.EACCES, "no"), OSError(errno.EMFILE, "many"), ValueError("a checksum"), KeyError()]
)
def test_other_errors_are_raised_at_once(waits: list[float], error: Exception) -> None:
    with pytest.raises(type(error)):
        retrying(lambda: failing(iter([error])), PATH)
    assert waits == []


def test_an_error_of_tensorstore_becomes_that_of_the_system() -> None:
    with pytest.raises(PermissionError) as raised, system_errors(PATH):
        raise ValueError("PERMISSION_DENIED: Failed to open: Permission denied [os_error_code='13']")
    assert (raised.value.errno, raised.value.filename) == (errno.EACCES, "store/tokens")
