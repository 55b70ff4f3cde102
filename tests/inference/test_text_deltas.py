"""Deltas of a row's text: complete characters only, and nothing that a stop string removes."""

import itertools
import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import decoders

from tanuki_jax.inference.text_deltas import RowText, TextDelta


def decode(ids: Sequence[int]) -> str:
    """Decode ids that are bytes."""
    return bytes(ids).decode(errors="replace")


def decode_runs(ids: Sequence[int]) -> str:
    """Decode bytes, but replace all bytes of a run if one of them belongs to no character."""
    text: str = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()]).decode([_piece(byte) for byte in ids])
    return text


def _piece(byte: int) -> str:
    return chr(byte) if byte < 128 else f"<0x{byte:02X}>"


TEXTS = st.text(alphabet="ab狸🦝、\n", max_size=20)


def added(row: RowText, *texts: str) -> list[str]:
    """Return the deltas for a row that grows to each of these texts in turn."""
    return [row.add(list(text.encode()), ended=False).text for text in texts]


@pytest.mark.parametrize("decode", [decode, decode_runs])
@example(prompt="", text="a🦝a", stop=["🦝", "a🦝a"], sizes=[5])
@given(
    prompt=TEXTS,
    text=TEXTS,
    stop=st.lists(st.text(alphabet="ab狸🦝、\n", min_size=1, max_size=4), max_size=3),
    sizes=st.lists(st.integers(1, 7), max_size=20),
)
def test_deltas_are_the_text_up_to_the_first_stop_string(
    decode: Callable[[Sequence[int]], str], prompt: str, text: str, stop: list[str], sizes: list[int]
) -> None:
    expected = text[: min([at for word in stop if (at := text.find(word)) >= 0], default=len(text))]
    ids, continuation = list(prompt.encode()), text.encode()
    row, emitted, length = RowText(decode, ids, stop, max_length=1000), "", 0
    for size in [*sizes, len(continuation)]:
        length = min(length + size, len(continuation))
        delta = row.add([*ids, *continuation[:length]], ended=length == len(continuation))
        emitted += delta.text
        assert "\ufffd" not in delta.text
        assert expected.startswith(emitted), "emitted text stays"
        if row.finished:
            break
    assert emitted == expected
    assert delta.finish_reason == ("stop_sequence" if expected != text else "eos_token")


def test_a_possible_beginning_of_a_stop_string_is_held_back() -> None:
    row = RowText(decode, [], ["user:"], max_length=1000)
    texts = ("a us", "a use it", "a use it user", "a use it user: b")
    assert added(row, *texts) == ["a ", "use it", " ", ""]
    assert row.finished


def test_half_of_an_escaped_character_is_held_back() -> None:
    row = RowText(lambda ids: "".join(map(chr, ids)).replace("\x10\x01", "▁"), [], [], max_length=4)
    assert [row.add(ids, ended=False).text for ids in ([97], [97, 16], [97, 16, 1], [97, 16, 1, 16])] == [
        "a", "", "▁", "\x10",
    ]  # fmt: skip


def test_an_incomplete_character_is_never_emitted() -> None:
    row = RowText(decode, [], [], max_length=1000)
    assert row.add([97, *"🦝".encode()[:3]], ended=True).text == "a"


def test_a_row_of_the_largest_length_ends_by_length() -> None:
    row = RowText(decode, [97], [], max_length=3)
    assert [row.add(list(ids), ended=False) for ids in (b"ab", b"abc", b"abcd")] == [
        TextDelta("b", 1, None),
        TextDelta("c", 1, "length"),
        TextDelta("", 0, None),
    ]


@pytest.mark.parametrize("decode", [decode, decode_runs])
def test_a_long_text_is_decoded_in_parts_that_join(decode: Callable[[Sequence[int]], str]) -> None:
    decoded: list[int] = []

    def counted(ids: Sequence[int]) -> str:
        decoded.append(len(ids))
        return decode(ids)

    prompt, text = "狸🦝".encode()[:-2], "🦝".encode()[-2:] + "狸a🦝、".encode() * 400
    row, emitted = RowText(counted, list(prompt), [], max_length=10_000), ""
    for length in range(1, len(text) + 1):
        emitted += row.add(list(prompt + text[:length]), ended=length == len(text)).text
    assert emitted == "🦝" + "狸a🦝、" * 400
    assert max(decoded[len(decoded) // 2 :]) < 300, "of 4,800 tokens"


@given(sizes=st.lists(st.integers(1, 5), min_size=30, max_size=30))
def test_tokens_behind_a_stop_string_are_not_counted(sizes: list[int]) -> None:
    ids, row, length, tokens = list(b"abcdefgh"), RowText(decode, [], ["de"], max_length=100), 0, 0
    for size in sizes:
        length = min(length + size, len(ids))
        tokens += row.add(ids[:length], ended=False).tokens
    assert tokens == 5


def test_many_long_stop_strings_cost_little() -> None:
    stops = [f"{number}" + "ab" * 100 for number in range(16)]
    text, row = list(b"ab" * 2000), RowText(decode, [], stops, max_length=10_000)
    begin = time.thread_time()
    for length in range(1, len(text) + 1):
        row.add(text[:length], ended=False)
    assert time.thread_time() - begin < 2, "4,000 tokens"


def test_bytes_in_a_row_are_certain_when_they_have_ended() -> None:
    def decode_rows(ids: Sequence[int]) -> str:
        """Decode as the ByteFallback of `tokenizers` does: bytes in a row are all replaced if they are not UTF-8."""
        text = ""
        for is_byte, run in itertools.groupby(ids, lambda id: id < 256):
            some = [*run]
            try:
                text += bytes(some).decode() if is_byte else "x" * len(some)
            except UnicodeDecodeError:
                text += "\ufffd" * len(some)
        return text

    for ids in ([300, 0x24, 0xFF, 300], [0x24, 300, 0x25], [0x24, 0x25, 0xFF], [*"狸".encode(), 0x24, 0xE7, 300] * 40):
        row, emitted = RowText(decode_rows, [300], [], 1 + len(ids), range(256)), ""
        for length in range(1, len(ids) + 1):
            emitted += row.add([300, *ids[:length]], ended=False).text
        assert emitted.rstrip("\ufffd") == decode_rows(ids).rstrip("\ufffd")
