"""Small corpora and pipelines for tests of cleaning."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tanuki_jax.corpus.cleaning.draft import Rule
from tanuki_jax.corpus.cleaning.pipeline import Input, Pipeline
from tanuki_jax.corpus.cleaning.rules.length import Length


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def texts(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Return documents of different texts, every fifth of them too short for `pipeline`."""
    long = "番目の文書です。これは掃除のための例で、短すぎない長さがあります。"
    return [{"id": f"d{n}", "text": f"{n}{'' if n % 5 == 0 else long}"} for n in range(start, start + count)]


def pipeline(*paths: Path, rules: tuple[Rule, ...] = (Length(shortest=20),), **fields: Any) -> Pipeline:
    """Return a pipeline that reads the files, drops what is short, and does nothing across documents."""
    inputs = (Input(name="files", paths=tuple(map(str, paths))),)
    return Pipeline(**{"name": "test", "inputs": inputs, "rules": rules} | fields)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of all Parquet files of a folder, sorted by id."""
    rows = [row for path in folder.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    return sorted(rows, key=lambda row: str(row["id"]))
