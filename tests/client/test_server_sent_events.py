"""Events of a stream, however its bytes are divided."""

import itertools
import time

import hypothesis
import pytest
from hypothesis import strategies

from tanuki_jax.client.server_sent_events import EventBuffer


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata:b\r\n\r\n", [b"a", b"b"]),
        (b": keep-alive\n\nevent: x\nid: 3\ndata: a\n\n\n\n", [b"a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: cut", []),
        (b"data: cut\n", []),
    ],
)
def test_events_have_the_data_of_their_lines(stream: bytes, events: list[bytes]) -> None:
    assert EventBuffer().feed(stream) == events


@hypothesis.given(
    strategies.lists(strategies.text(strategies.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))),
    strategies.lists(strategies.integers(0, 500)),
)
def test_events_do_not_depend_on_how_the_bytes_are_divided(texts: list[str], cuts: list[int]) -> None:
    stream = b"".join(f"data: {text}\n\n".encode() for text in texts)
    buffer, ends = EventBuffer(), sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    pieces = [stream[start:end] for start, end in itertools.pairwise(ends)]
    assert [event.decode() for piece in pieces for event in buffer.feed(piece)] == texts


def test_a_long_line_takes_linear_time() -> None:
    buffer, start = EventBuffer(), time.thread_time()
    assert not any(buffer.feed(b"data: " + b"x" * 1018) for _ in range(16_000))
    [event] = buffer.feed(b"\n\n")
    assert len(event) == 16_000 * 1024 - 6
    assert time.thread_time() - start < 1
