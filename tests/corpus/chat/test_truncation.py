import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.chat.truncation import truncated
from tanuki_jax.corpus.records.types import Message

SYSTEM = Message("system", "s")
CHAT = tuple(Message(role, f"{role}{number}") for number in range(3) for role in ("user", "assistant"))


def test_keeping_the_beginning_removes_the_last_exchanges() -> None:
    assert truncated((SYSTEM, *CHAT), lambda kept: len(kept) <= 6, keep="beginning") == (SYSTEM, *CHAT[:4])


def test_keeping_the_end_removes_the_oldest_exchanges() -> None:
    assert truncated((SYSTEM, *CHAT[:5]), lambda kept: len(kept) <= 5, keep="end") == (SYSTEM, *CHAT[2:5])


def test_a_conversation_that_fits_is_unchanged_and_tried_once() -> None:
    results = iter([True])
    assert truncated(CHAT, lambda _: next(results), keep="beginning") == CHAT


@pytest.mark.parametrize("keep", ["beginning", "end"])
@given(length=st.integers(0, 7), system=st.booleans(), exchanges=st.integers(1, 3))
def test_as_many_exchanges_are_kept_as_fit(keep: str, length: int, system: bool, exchanges: int) -> None:
    before = (SYSTEM,) if system else ()
    chat = CHAT[: 2 * exchanges]
    kept = truncated(
        (*before, *chat), lambda shorter: len(shorter) <= length, keep="beginning" if keep == "beginning" else "end"
    )
    fitting = min((length - len(before)) // 2, exchanges)
    if fitting < 1:
        assert kept is None
    else:
        assert kept == (*before, *(chat[: 2 * fitting] if keep == "beginning" else chat[-2 * fitting :]))
