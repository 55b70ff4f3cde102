"""The header Retry-After in all its forms."""

import math
from email.utils import formatdate

import hypothesis
import pytest
from hypothesis import strategies

from tanuki_jax.client.retry_after import read_retry_after

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 3 ", 3.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-5", 0.0),
        ("9" * 400, math.inf),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        ("Fri, 15 Jan 2027 08:01:00 -0000", 60.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253402300799.0 - NOW),
    ],
)
def test_seconds_and_dates_are_read(value: str, seconds: float) -> None:
    assert read_retry_after(value, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value", [None, "", "soon", "nan", "1 s", "Sun, 99 Nov 1994 08:49:37 GMT", "1e", "２秒", "Sun"]
)
def test_nonsense_says_nothing(value: str | None) -> None:
    assert read_retry_after(value, NOW) is None


@hypothesis.given(strategies.text() | strategies.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ ?(GMT|[+-]\d+)?"))
def test_no_header_raises(value: str) -> None:
    seconds = read_retry_after(value, NOW)
    assert seconds is None or seconds >= 0
