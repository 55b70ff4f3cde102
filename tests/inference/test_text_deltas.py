"""Pieces of text: together the whole, never half a character, nothing that a stop string takes away."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import decoders

from tanuki_jax.inference.text_deltas import Pieces


def decode(ids: Sequence[int]) -> str:
    """Ids are bytes."""
    return bytes(ids).decode(errors="replace")


def decode_runs(ids: Sequence[int]) -> str:
    """As `decode`, but where one byte of a run does not belong to a character, all bytes of the run are replaced."""
    text: str = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()]).decode([_piece(byte) for byte in ids])
    return text


def _piece(byte: int) -> str:
    return chr(byte) if byte < 128 else f"<0x{byte:02X}>"


TEXTS = st.text(alphabet="ab狸🦝、\n", max_size=20)


@pytest.mark.parametrize("decode", [decode, decode_runs])
@example(prompt="", text="a🦝a", stop=["🦝", "a🦝a"], sizes=[5])
@given(
    prompt=TEXTS,
    text=TEXTS,
    stop=st.lists(st.text(alphabet="ab狸🦝、\n", min_size=1, max_size=4), max_size=3),
    sizes=st.lists(st.integers(1, 7), max_size=20),
)
def test_all_pieces_are_the_text_up_to_the_first_stop_string(
    decode: Callable[[Sequence[int]], str], prompt: str, text: str, stop: list[str], sizes: list[int]
) -> None:
    expected = text[: min([place for word in stop if (place := text.find(word)) >= 0], default=len(text))]
    ids, written = list(prompt.encode()), text.encode()
    row, said, at = Pieces(decode, ids, stop), "", 0
    for size in [*sizes, len(written)]:
        at = min(at + size, len(written))
        new = row.add([*ids, *written[:at]], last=at == len(written))
        said += new
        assert "\ufffd" not in new
        assert expected.startswith(said), "what was said stays"
        if row.stopped:
            break
    assert said == row.whole == expected
    assert row.stopped == (expected != text)


def test_what_may_begin_a_stop_string_is_held_back() -> None:
    row = Pieces(decode, [], ["user:"])
    assert [
        row.add(list(text.encode()), last=False) for text in ("a us", "a use it", "a use it user", "a use it user: b")
    ] == [
        "a ",
        "use it",
        " ",
        "",
    ]
    assert row.stopped and row.whole == "a use it "


def test_a_character_of_which_bytes_are_missing_is_never_said() -> None:
    row = Pieces(decode, [], [])
    assert row.add([97, *"🦝".encode()[:3]], last=True) == "a"
