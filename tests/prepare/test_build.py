import gzip
import itertools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.data.store import Store
from tanuki_jax.data.tokenizer.load import Tokenizer
from tanuki_jax.errors import InputError
from tanuki_jax.prepare import build as building
from tanuki_jax.prepare import encode, inventory
from tanuki_jax.prepare.build import build
from tanuki_jax.prepare.inventory import Inventory, take_inventory


@pytest.fixture
def threads(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
    """Threads in the place of worker processes, which take longer to start than these tests."""
    monkeypatch.setattr(encode, "_tokenizer", tokenizer, raising=False)
    with ThreadPoolExecutor(2) as pool:
        yield pool


def taken(*paths: Path) -> Inventory:
    source = Source(name="s", paths=tuple(map(str, paths)))
    (found,) = take_inventory(Mixture(sources=(source,), stages=(Stage(weights={"s": 1.0}),)))
    return found


def texts_of(store: Store, tokenizer: Tokenizer) -> list[str]:
    tokens = store.read(store.offsets[:-1], np.diff(store.offsets)).tolist()
    bounds = store.offsets.tolist()
    documents = [tokens[start:stop] for start, stop in itertools.pairwise(bounds)]
    assert all(document[-1] == tokenizer.eod for document in documents)
    return [tokenizer.decode(document[:-1]) for document in documents]


def test_documents_of_every_format_are_stored_in_order_with_where_they_came_from(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    threads: Executor,
    tokenizer: Tokenizer,
    texts: Callable[[int, int, int], list[str]],
    write_json_lines: Callable[[Path, list[str]], Path],
) -> None:
    monkeypatch.setattr(inventory, "UNIT_BYTES", (2_000, 2_000))
    documents = texts(1, 150, 30)
    lines = write_json_lines(tmp_path / "a.jsonl", documents[:100])
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress("".join(json.dumps({"text": t}) + "\n" for t in documents[100:120]).encode()))
    pq.write_table(pa.table({"text": documents[120:149]}), tmp_path / "c.parquet", row_group_size=10)
    (tmp_path / "d.txt").write_text(documents[149], encoding="utf-8")
    found = taken(tmp_path / "*.*")
    assert len(found.units) > 4
    store = build(found, tmp_path / "stores" / "s", tokenizer, threads, 0.0)
    assert texts_of(store, tokenizer) == documents
    content = lines.read_text(encoding="utf-8").splitlines()
    for document in range(100):
        origin = store.origin(document)
        assert origin.path == str(lines) and json.loads(content[origin.row - 1])["text"] == documents[document]
    places = [(Path(store.origin(document).path).name, store.origin(document).row) for document in (100, 119, 120, 148, 149)]
    assert places == [("b.jsonl.gz", 1), ("b.jsonl.gz", 20), ("c.parquet", 1), ("c.parquet", 29), ("d.txt", 1)]
    assert [path.name for path in (tmp_path / "stores").iterdir()] == ["s"]
    lengths = np.diff(store.offsets)
    assert store.statistics == {
        "documents": 150,
        "characters": sum(map(len, documents)),
        "bytes": sum(len(text.encode()) for text in documents),
        "tokens": store.tokens,
        "tokens_per_character": pytest.approx(store.tokens / sum(map(len, documents)), abs=1e-4),
        "document_tokens_percentiles": {
            str(percent): int(np.percentile(lengths, percent, method="inverted_cdf")) for percent in (1, 5, 25, 50, 75, 95, 99, 100)
        },
        "malformed": 0,
        "first_malformed": [],
    }


@pytest.mark.parametrize("unit_bytes", [150, 1_000, 1 << 20])
def test_the_store_does_not_depend_on_how_the_work_is_cut(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    threads: Executor,
    tokenizer: Tokenizer,
    texts: Callable[[int, int, int], list[str]],
    write_json_lines: Callable[[Path, list[str]], Path],
    unit_bytes: int,
) -> None:
    monkeypatch.setattr(inventory, "UNIT_BYTES", (unit_bytes, unit_bytes))
    paths = [write_json_lines(tmp_path / f"{name}.jsonl", texts(seed, 30, 20)) for seed, name in enumerate("ab")]
    whole = build(taken(*paths), tmp_path / "whole", tokenizer, threads, 0.0)
    monkeypatch.setattr(inventory, "UNIT_BYTES", (400, 400))
    assert build(taken(*paths), tmp_path / "cut", tokenizer, threads, 0.0).fingerprint == whole.fingerprint


def test_malformed_rows_are_named_by_file_and_line_counted_and_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], threads: Executor, tokenizer: Tokenizer
) -> None:
    monkeypatch.setattr(inventory, "UNIT_BYTES", (60, 60))
    lines = [b'{"text": "good"}'] * 18
    lines[7] = b'{"text": "broken'
    lines[13] = b'{"text": "\xe7\x8b"}'
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"\n".join(lines))
    store = build(taken(file), tmp_path / "s", tokenizer, threads, 2 / 18)
    assert (store.documents, store.statistics["malformed"]) == (16, 2)
    said = capsys.readouterr().err.splitlines()
    assert [line.startswith(f"skipped {file}:{row}: ") for line, row in zip(said, (8, 14), strict=True)] == [True, True]
    assert [f"skipped {named}" for named in store.statistics["first_malformed"]] == said
    assert store.origin(7).row == 9


def test_too_many_malformed_rows_end_it_and_leave_no_store(tmp_path: Path, threads: Executor, tokenizer: Tokenizer) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "good"}\n' * 9 + "{}\n")
    with pytest.raises(InputError, match=rf"1 of 10 records of s are malformed.*\(0.09\).*{file}:10: no field 'text'"):
        build(taken(file), tmp_path / "stores" / "s", tokenizer, threads, 0.09)
    assert not (tmp_path / "stores" / "s").exists()
    assert build(taken(file), tmp_path / "stores" / "s", tokenizer, threads, 0.1).documents == 9


def test_a_source_of_blank_lines_has_no_documents(tmp_path: Path, threads: Executor, tokenizer: Tokenizer) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("\n\n")
    with pytest.raises(InputError, match="the source s has no documents"):
        build(taken(file), tmp_path / "s", tokenizer, threads, 0.0)


def test_an_interrupted_run_goes_on_where_it_stopped(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    threads: Executor,
    tokenizer: Tokenizer,
    texts: Callable[[int, int, int], list[str]],
    write_json_lines: Callable[[Path, list[str]], Path],
) -> None:
    monkeypatch.setattr(inventory, "UNIT_BYTES", (1_000, 1_000))
    found = taken(write_json_lines(tmp_path / "a.jsonl", texts(5, 100, 30)))
    undisturbed = build(found, tmp_path / "undisturbed", tokenizer, threads, 0.0)
    encoded: list[Any] = []

    def until_the_disk_is_full(unit: Any, part: Path, dtype: str) -> int:
        if len(encoded) == 3:
            raise OSError(28, "No space left on device")
        encoded.append(unit)
        return encode.encode_in_worker(unit, part, dtype)

    def counted(unit: Any, part: Path, dtype: str) -> int:
        encoded.append(unit)
        return encode.encode_in_worker(unit, part, dtype)

    monkeypatch.setattr(building, "encode_in_worker", until_the_disk_is_full)
    with ThreadPoolExecutor(1) as one, pytest.raises(OSError, match="No space"):
        build(found, tmp_path / "stores" / "s", tokenizer, one, 0.0)
    assert [path.name.partition("-")[0] for path in (tmp_path / "stores").iterdir()] == [".s.parts"]
    monkeypatch.setattr(building, "encode_in_worker", counted)
    resumed = build(found, tmp_path / "stores" / "s", tokenizer, threads, 0.0)
    assert len(found.units) > 5 and len(encoded) == len(set(encoded)) == len(found.units)
    assert resumed.fingerprint == undisturbed.fingerprint


def test_parts_for_other_files_are_not_taken_up(tmp_path: Path, threads: Executor, tokenizer: Tokenizer) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "old"}\n{}\n')
    with pytest.raises(InputError, match="malformed"):
        build(taken(file), tmp_path / "stores" / "s", tokenizer, threads, 0.0)
    file.write_text('{"text": "new words"}\n')
    store = build(taken(file), tmp_path / "stores" / "s", tokenizer, threads, 0.0)
    assert texts_of(store, tokenizer) == ["new words"]
    assert [path.name for path in (tmp_path / "stores").iterdir()] == ["s"]
