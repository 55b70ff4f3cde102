"""Endpoints and requests: addresses, and limits that contradict each other."""

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.endpoints import Endpoint, Requests


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1"),
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("https://example.com/openai/v1/", "https://example.com/openai/v1"),
        ("http://[::1]:8000/", "http://[::1]:8000/v1"),
    ],
)
def test_an_address_may_have_v1_at_its_end(url: str, base: str) -> None:
    assert Endpoint(url=url).base == base


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://example.com",
        "http://",
        "http://a:port",
        "http://a:0",
        "http://a:99999",
        "http://[::1",
        "http://a/?key=secret",
        "http://a b",
        "http://a..b",
        f"http://{'a' * 64}.example",
        "http://a\n",
    ],
)
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match=r"^'.* is no address such as http://localhost:8000/v1$"):
        Endpoint(url=url)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(InputError, match=r"variable of a key instead$") as raised:
        Endpoint(url="http://me:secret@example.com/v1")
    assert "secret" not in str(raised.value)


def test_limits_of_time_must_leave_room_for_an_attempt() -> None:
    with pytest.raises(
        InputError, match=r"^requests\.deadline_seconds \(10\) must not be below .*attempt_seconds \(20\)"
    ):
        Requests(attempt_seconds=20, deadline_seconds=10)
    with pytest.raises(InputError, match=r"^requests\.stalled_seconds \(10\) must not be below"):
        Requests(attempt_seconds=20, stalled_seconds=10)


def test_numbers_are_checked_by_name() -> None:
    with pytest.raises(InputError, match=r"^endpoint\.weight is 0, and must be above 0$"):
        Endpoint(url="http://a", weight=0)
    with pytest.raises(InputError, match=r"^requests\.tries is 0, and must be above 0$"):
        Requests(tries=0)
