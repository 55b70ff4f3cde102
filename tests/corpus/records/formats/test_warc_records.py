import gzip
import io
import random
import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.corpus.records.formats import warc_records
from tanuki_jax.corpus.records.formats.gzip_members import decompressed
from tanuki_jax.corpus.records.types import Malformed
from tests.corpus.records.formats.crawl import response

GOOD = [response(number) for number in range(4)]
LENGTH = re.compile(rb"Content-Length: \d+")


def found(data: bytes, block: int = 1 << 20) -> list[bytes | str]:
    blocks = [data[start : start + block] for start in range(0, len(data), block)]
    return shown(warc_records.records(blocks))


def found_in_gzip(data: bytes) -> list[bytes | str]:
    return shown(warc_records.records(decompressed(io.BytesIO(data), warc_records.MAGIC)))


def shown(rows: Iterable[tuple[int, bytes | Malformed]]) -> list[bytes | str]:
    """Return records without the blank lines behind them, and the reasons of malformed ones."""
    return [row.reason if isinstance(row, Malformed) else row.rstrip(b"\r\n") for _, row in rows]


def stripped(*parts: bytes) -> list[bytes]:
    return [part.rstrip(b"\r\n") for part in parts]


@pytest.mark.parametrize("block", [1, 7, 100, 1 << 20])
def test_records_do_not_depend_on_the_blocks_of_reading(block: int) -> None:
    data = b"\r\n".join(GOOD)
    assert found(data, block) == stripped(*GOOD)
    positions = [position for position, _ in warc_records.records([data])]
    assert all(data[position:].startswith(b"WARC/1.") for position in positions)


@pytest.mark.parametrize("block", [13, 1 << 20])
@pytest.mark.parametrize(
    ("faulty", "reason"),
    [
        (LENGTH.sub(b"Content-Length: 40", GOOD[1]), "the Content-Length of a WARC record is wrong"),
        (LENGTH.sub(b"Content-Length: 300", GOOD[1]), "the Content-Length of a WARC record is wrong"),
        (LENGTH.sub(b"Content-Length: 99999", GOOD[1]), "the file ends inside a WARC record, or its length is wrong"),
        (LENGTH.sub(b"Content-Length: 999999999999", GOOD[1]), "a WARC record of more than 268435456 bytes"),
        (LENGTH.sub(b"Content-Length: -4", GOOD[1]), "a WARC record without Content-Length"),
        (LENGTH.sub(b"Content-Size: 4", GOOD[1]), "a WARC record without Content-Length"),
        (GOOD[1].replace(b"WARC/1", b"WARX/1"), "no header of a WARC record"),
        (b"\0" * 300 + b"\r\n", "no header of a WARC record"),
        (b"WARC/1.0\r\n" + b"a: b\r\n" * 20_000 + b"\r\n", "the header of a WARC record has no end"),
    ],
)
def test_a_faulty_record_does_not_harm_its_neighbours(faulty: bytes, reason: str, block: int) -> None:
    before, between, after = stripped(GOOD[0]), [reason], stripped(GOOD[2], GOOD[3])
    assert found(GOOD[0] + faulty + GOOD[2] + GOOD[3], block) == [*before, *between, *after]


@pytest.mark.parametrize("cut", [1, 30, 200, 280])
def test_a_cut_record_at_the_end_is_counted(cut: int) -> None:
    first, second, last = found(GOOD[0] + GOOD[1] + GOOD[2][:cut])
    assert [first, second] == stripped(GOOD[0], GOOD[1])
    assert isinstance(last, str)
    assert "ends inside" in last or "no header" in last


def test_a_file_of_something_else_is_one_malformed_record() -> None:
    assert found(b"garbage " * 100_000) == ["no header of a WARC record"]
    assert found(b"") == []


@pytest.mark.parametrize("place", [0, 5, 12, 40, 100, -6, -1])
def test_a_damaged_gzip_member_is_one_malformed_record(place: int) -> None:
    members = [gzip.compress(part, mtime=0) for part in GOOD]
    damaged = bytearray(members[1])
    damaged[place] ^= 0x55
    rows = found_in_gzip(members[0] + bytes(damaged) + members[2] + members[3])
    if place == 5:  # the time in the header, which is no part of the content
        assert rows == stripped(*GOOD)
    else:
        assert [rows[0], *rows[2:]] == stripped(GOOD[0], GOOD[2], GOOD[3])
        assert isinstance(rows[1], str)


@given(cut=st.integers(1, 200), following=st.integers(0, 2))
@settings(max_examples=40, deadline=None)
def test_a_gzip_member_that_is_cut_loses_one_record(cut: int, following: int) -> None:
    members = [gzip.compress(part, mtime=0) for part in GOOD]
    rows = found_in_gzip(members[0] + members[1][:-cut] + b"".join(members[2 : 2 + following]))
    assert [rows[0], *rows[2:]] == stripped(GOOD[0], *GOOD[2 : 2 + following])
    assert isinstance(rows[1], str)


@given(seed=st.integers(0, 1 << 30))
@settings(max_examples=10, deadline=None)
def test_records_before_a_damage_inside_one_member_are_read(seed: int) -> None:
    generator = random.Random(seed)
    parts = [response(number, generator.randbytes(2000).hex().encode()) for number in range(60)]
    data = bytearray(gzip.compress(b"".join(parts)))
    place = generator.randrange(20, len(data) - 8)
    data[place : place + 4] = bytes(byte ^ 0xFF for byte in data[place : place + 4])
    rows = found_in_gzip(bytes(data) + gzip.compress(GOOD[0]))
    assert rows[-1:] == stripped(GOOD[0])
    good = [row for row in rows[:-1] if isinstance(row, bytes)]
    whole = {part.rstrip(b"\r\n") for part in parts}
    share = place / len(data)
    assert len(rows[:-1]) > len(good)
    assert sum(row in whole for row in good) >= int(share * 60) - 3


def test_a_member_that_unpacks_a_thousandfold_ends_where_it_ends() -> None:
    large = response(1, b"<p>a</p>" * 500_000)
    members = [gzip.compress(GOOD[0]), gzip.compress(large), gzip.compress(GOOD[1])]
    assert found_in_gzip(b"".join(members)) == stripped(GOOD[0], large, GOOD[1])


@pytest.mark.parametrize("filler", [b"\r\n", b"a"])
def test_a_file_without_records_is_given_up(filler: bytes) -> None:
    blocks = [GOOD[0], *[filler * 500_000] * 4, GOOD[1]]
    assert len(list(warc_records.records(blocks, most=5_000_000))) >= 2
    with pytest.raises(OSError, match="no WARC record in the 1000000 bytes before byte"):
        list(warc_records.records(blocks, most=1_000_000))
