from pathlib import Path

import pyarrow.parquet as pq

from tanuki_jax.corpus.cleaning.part_file import read_part, write_part
from tanuki_jax.corpus.records.types import Document


def test_documents_come_back_in_order(tmp_path: Path) -> None:
    documents = [Document(f"{n}", f"text {n}", {"row": n, "url": None}) for n in range(1_200)]
    write_part(tmp_path / "part.parquet", documents)
    assert list(read_part(tmp_path / "part.parquet")) == documents


def test_url_and_score_are_columns(tmp_path: Path) -> None:
    metadata = {"url": "http://example.com/", "scores": {"quality": 0.25}}
    documents = [Document("a", "text", metadata), Document("b", "text")]
    documents += [Document("c", "text", {"scores": {"judge": 0.5, "language": 1.0}})]
    documents += [Document("d", "text", {"scores": {"judge": 0.5, "quality": 0.75}})]
    write_part(tmp_path / "part.parquet", documents)
    table = pq.read_table(tmp_path / "part.parquet")
    assert table.column("url").to_pylist() == ["http://example.com/", None, None, None]
    assert table.column("score").to_pylist() == [0.25, 0.0, 0.5, 0.75]


def test_a_part_without_documents_can_be_read(tmp_path: Path) -> None:
    write_part(tmp_path / "part.parquet", [])
    assert list(read_part(tmp_path / "part.parquet")) == []


def test_metadata_are_json_whatever_the_input_had(tmp_path: Path) -> None:
    write_part(tmp_path / "part.parquet", [Document("a", "text", {"x": float("nan"), "scores": {"quality": 0.5}})])
    assert pq.read_table(tmp_path / "part.parquet").column("metadata").to_pylist() == [
        '{"x": null, "scores": {"quality": 0.5}}'
    ]
