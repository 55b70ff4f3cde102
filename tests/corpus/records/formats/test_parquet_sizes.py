import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tanuki_jax.corpus.records.files import LONGEST_RECORD, Slice
from tanuki_jax.corpus.records.formats import parquet
from tanuki_jax.corpus.records.formats.parquet_sizes import rows_at_once, unpacks_to_too_much
from tanuki_jax.corpus.records.types import Malformed


def test_a_row_group_that_unpacks_to_too_much_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with pq.ParquetWriter(path, pa.schema([("text", pa.string())]), compression="zstd", use_dictionary=False) as file:
        for texts in (["before"], ["a" * (LONGEST_RECORD + 1), "b"], ["after"]):
            file.write_table(pa.table({"text": texts}))
    found = list(parquet.rows(Slice(str(path), 0, 4)))
    assert [position for position, _ in found] == [0, 1, 2, 3]
    assert [found[0][1], found[3][1]] == [{"text": "before"}, {"text": "after"}]
    for _, fault in found[1:3]:
        assert isinstance(fault, Malformed)
        assert re.fullmatch(r"the column text unpacks [45],\d+ bytes to 134,217,\d+", fault.reason)


def test_a_large_value_of_a_dictionary_limits_the_rows_at_once(tmp_path: Path) -> None:
    table = pa.table({"text": ["a" * 5_000_000] * 5, "n": range(5)})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", dictionary_pagesize_limit=1 << 30)
    pq.write_table(table.slice(0, 2), tmp_path / "b.parquet", compression="zstd", use_dictionary=False)
    pq.write_table(pa.table({"text": ["a", "b"] * 100}), tmp_path / "c.parquet")
    found = []
    for path in sorted(tmp_path.iterdir()):
        with pa.OSFile(str(path)) as file:
            group = pq.read_metadata(path).row_group(0)
            assert unpacks_to_too_much(group) == ""
            found.append(rows_at_once(file, group))
    assert found[:2] == [(1 << 30) // 5_000_004, (1 << 30) // 5_000_004] and found[2] > 1_000_000


def test_a_row_that_is_too_long_does_not_harm_its_neighbours(tmp_path: Path) -> None:
    texts = ["a", "b" * 900, "c" * 900, "d", "e" * 2_000, "f"]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    found = [row for _, row in parquet.rows(Slice(str(tmp_path / "a.parquet"), 0, 6), longest=1_000)]
    assert found[4] == Malformed("a row of more than 1000 bytes")
    assert [row["text"] for row in found if isinstance(row, dict)] == [*texts[:4], "f"]
