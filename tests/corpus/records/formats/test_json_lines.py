import codecs
import gzip
import io
import json
import tempfile
import tracemalloc
import zlib
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import LONGEST_RECORD, InputFile, Slice, expand
from tanuki_jax.corpus.records.formats import json_lines
from tanuki_jax.corpus.records.read import Row, read, split
from tanuki_jax.corpus.records.types import Document, Malformed
from tests.corpus.records.conftest import in_one_slice, in_slices, records

LINES = st.one_of(
    st.just(b""),
    st.just(b" \t\r"),
    st.text(min_size=1).map(lambda text: json.dumps({"text": text}).encode()),
    st.text(min_size=1, alphabet="タヌキ絵").map(
        lambda text: json.dumps({"text": text}, ensure_ascii=False).encode() + b"\r"
    ),
    st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"").removeprefix(codecs.BOM_UTF8)),
)


@given(lines=st.lists(LINES), bytes_per_slice=st.integers(1, 60), last_newline=st.booleans())
def test_slices_hold_every_line_once_at_its_number(
    lines: list[bytes], bytes_per_slice: int, last_newline: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.jsonl")
        path.write_bytes(b"\n".join(lines) + b"\n" * last_newline)
        rows = in_one_slice(path)
        assert in_slices(path, bytes_per_slice) == rows
    assert [row.row for row in rows] == [number for number, line in enumerate(lines) if line.strip()]


def test_a_plain_file_is_cut_at_any_byte_and_other_files_are_one_slice() -> None:
    assert split(InputFile("a.jsonl", 25), 10) == [
        Slice("a.jsonl", 0, 10),
        Slice("a.jsonl", 10, 20),
        Slice("a.jsonl", 20, 25),
    ]
    for name in ("a.jsonl.zst", "a.jsonl.gz", "a.json.gz", "a.txt", "a.json", "a.py"):
        assert split(InputFile(name, 25), 10) == [Slice(name, 0, 25)]
    assert split(InputFile("empty.jsonl", 0), 10) == split(InputFile("empty.txt", 0), 10) == []


def test_lines_longer_than_a_block_and_a_slice_are_read_to_their_end(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    texts = ["a" * length for length in (3_000_000, 1, 1_048_576 - 14, 1_048_576, 1_500_000, 5)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    for bytes_per_slice in (400_000, 1_048_576, 10_000_000):
        read_texts = [row.record.text for row in in_slices(path, bytes_per_slice) if isinstance(row.record, Document)]
        assert read_texts == texts


def test_an_id_made_from_the_position_does_not_depend_on_the_slices(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one"}\n\n{"text": "two"}\n{"text": "three", "id": 3}\n')
    assert [row.record.id for row in in_slices(path, 5) if isinstance(row.record, Document)] == [
        f"{path}:0",
        f"{path}:17",
        "3",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "cut of', "not JSON: Unterminated string"),
        (b"[" * 100_000, "not JSON: maximum recursion"),
        (b'{"text": "\xff"}', "invalid UTF-8 at byte 10"),
        (b'{"text": "a", "n": "\\ud800"}', "an escaped surrogate without its other half"),
        (b'{"text": "\\uDFFF"}', "an escaped surrogate without its other half"),
        (b'["text"]', "not a JSON object but of type list"),
        (b'{"text": 1}', "the field 'text' is not text"),
    ],
)
def test_a_malformed_line_does_not_harm_its_neighbours(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "before"}\n' + line + b'\n{"text": "\\ud83d\\ude00"}\n')
    before, malformed, after = records(path)
    assert isinstance(malformed, Malformed)
    assert malformed.reason.startswith(reason)
    assert isinstance(before, Document)
    assert isinstance(after, Document)
    assert (before.text, after.text) == ("before", "😀")


def test_a_byte_order_mark_is_not_part_of_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "a", "id": "i"}')
    assert records(tmp_path / "a.jsonl") == [Document("i", "a")]


def test_compressed_files_hold_the_rows_of_plain_ones_in_several_frames(tmp_path: Path) -> None:
    parts = [b'{"text": "one", "id": 1}\n', b'{"text": "two", "id": 2}\n']
    (tmp_path / "a.jsonl").write_bytes(b"".join(parts))
    zstd = pa.Codec("zstd")
    for name in ("a.jsonl.zst", "a.json.zst"):
        (tmp_path / name).write_bytes(b"".join(zstd.compress(part, asbytes=True) for part in parts))
    for name in ("a.jsonl.gz", "a.json.gz"):
        (tmp_path / name).write_bytes(b"".join(map(gzip.compress, parts)))
    expected = [Row(0, Document("1", "one")), Row(1, Document("2", "two"))]
    for file in expand([f"{tmp_path}/*"]):
        assert in_one_slice(Path(file.path)) == expected, file.path


@pytest.mark.parametrize("suffix", [".zst", ".gz"])
def test_a_truncated_file_is_an_error_that_names_the_last_row(tmp_path: Path, suffix: str) -> None:
    content = b"".join(b'{"text": "%d"}\n' % number for number in range(300_000))
    data = gzip.compress(content) if suffix == ".gz" else pa.Codec("zstd").compress(content, asbytes=True)
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(data[: len(data) // 2])
    rows: list[Row] = []
    with pytest.raises(InputError, match=r"cannot be read beyond row [1-9]\d+ of the slice that begins at 0"):
        rows.extend(read(Slice(str(path), 0, len(data) // 2), text_field="text"))


@pytest.mark.parametrize("suffix", [".zst", ".gz"])
def test_all_lines_before_the_cut_are_read(tmp_path: Path, suffix: str) -> None:
    random = Random(1)
    lines = [json.dumps({"text": f"{random.getrandbits(80):x}", "id": number}).encode() for number in range(2000)]
    content = b"\n".join(lines)
    data = gzip.compress(content) if suffix == ".gz" else pa.Codec("zstd").compress(content, asbytes=True)
    data = data[: len(data) * 2 // 3]
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(data)
    if suffix == ".gz":
        readable = zlib.decompressobj(31).decompress(data)
    else:
        readable = b""
        with (
            pytest.raises(OSError, match=r"[Tt]runcated"),
            pa.CompressedInputStream(io.BytesIO(data), "zstd") as stream,
        ):
            while byte := stream.read(1):
                readable += byte
    reader = read(Slice(str(path), 0, len(data)), text_field="text")
    rows: list[Row] = []
    with pytest.raises(InputError, match=f"row {readable.count(b'\n')} of the slice that begins at 0"):
        rows.extend(reader)
    assert [row.row for row in rows] == list(range(readable.count(b"\n")))


@pytest.mark.long
def test_a_line_of_100_megabytes_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "' + b"a" * 100_000_000 + b'"}\n{"text": "b"}\n')
    assert [len(row.record.text) for row in in_slices(path, 30_000_000) if isinstance(row.record, Document)] == [
        100_000_000,
        1,
    ]


def test_zeros_behind_a_gzip_file_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "one"}\n') + b"\0" * 1000)
    (document,) = records(tmp_path / "a.jsonl.gz")
    assert isinstance(document, Document) and document.text == "one"


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a\udcff.jsonl").write_text("{}")
    with pytest.raises(InputError, match=r"^the name of the file .*a\\udcff\.jsonl' is not UTF-8: rename the file$"):
        expand([f"{tmp_path}/*.jsonl"])


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_a_line_that_is_too_long_does_not_harm_its_neighbours(tmp_path: Path, suffix: str) -> None:
    content = b'{"text": "one"}\n{"text": "' + b"a" * 3_000_000 + b'"}\n{"text": "two"}\n'
    path = tmp_path / f"a{suffix}"
    with pa.output_stream(path, compression="detect") as file:
        file.write(content)
    slice = Slice(str(path), 0, path.stat().st_size)
    found = [fields for _, fields in json_lines.rows(slice, longest=2_000_000)]
    assert found == [{"text": "one"}, Malformed("a line of more than 2000000 bytes"), {"text": "two"}]
    assert [offset for offset, _ in json_lines.rows(slice, longest=2_000_000)] == [0, 16, 3_000_029]
    with pytest.raises(OSError, match="the line at byte 16 has more than 1500000 bytes"):
        list(json_lines.rows(slice, longest=1_000_000, most=1_500_000))


def test_a_bomb_takes_little_memory(tmp_path: Path) -> None:
    with pa.output_stream(tmp_path / "a.jsonl.zst", compression="detect") as file:
        for _ in range(300):
            file.write(b"a" * (1 << 20))
    tracemalloc.start()
    try:
        assert records(tmp_path / "a.jsonl.zst") == [Malformed(f"a line of more than {LONGEST_RECORD} bytes")]
        assert tracemalloc.get_traced_memory()[1] < 1.1 * LONGEST_RECORD
    finally:
        tracemalloc.stop()
