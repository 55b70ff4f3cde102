"""Pieces of text: together the whole, never half a character, nothing that a stop string takes away."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.generate.pieces import Pieces


def decode(ids: Sequence[int]) -> str:
    """Ids are bytes."""
    return bytes(ids).decode(errors="replace")


TEXTS = st.text(alphabet="ab狸🦝、\n", max_size=20)


@given(TEXTS, TEXTS, st.lists(st.text(alphabet="ab狸🦝、\n", min_size=1, max_size=4), max_size=3), st.lists(st.integers(1, 7), max_size=20))
def test_all_pieces_are_the_text_up_to_the_first_stop_string(prompt: str, text: str, stop: list[str], sizes: list[int]) -> None:
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
    assert [row.add(list(text.encode()), last=False) for text in ("a us", "a use it", "a use it user", "a use it user: b")] == [
        "a ",
        "use it",
        " ",
        "",
    ]
    assert row.stopped and row.whole == "a use it "


def test_a_character_of_which_bytes_are_missing_is_never_said() -> None:
    row = Pieces(decode, [], [])
    assert row.add([97, *"🦝".encode()[:3]], last=True) == "a"
