"""Settings of a mock endpoint that contradict each other are refused by name."""

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.rehearsal.behaviour import Behaviour


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"unavailable": 0.7, "cut": 0.4}, r"^the shares of faults add up to 1\.1, and must not exceed 1$"),
        ({"stalled": 1.5}, "^--stalled is 1.5, and must be at least 0 and at most 1$"),
        ({"down_between": (5.0, 3.0)}, "^--down-between is 5 3, and must end after its start$"),
        ({"rate_limited_between": (-1.0, 3.0)}, r"^--rate-limited-between\[0\] is -1.0, and must be at least 0$"),
        ({"models": ()}, "^--models is empty; name at least one$"),
    ],
)
def test_impossible_settings_are_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Behaviour(**fields)  # type: ignore[arg-type]


def test_shares_that_add_up_to_one_are_allowed() -> None:
    assert sum(Behaviour(unavailable=0.7, rate_limited=0.1, cut=0.2).shares.values()) == pytest.approx(1)
