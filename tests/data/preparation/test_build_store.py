import dataclasses
import gzip
import hashlib
import itertools
import json
import multiprocessing
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.leases import EXPIRY_SECONDS, claim_path
from tanuki_jax.config.mixture import ChatForm, Mixture, Source, Stage
from tanuki_jax.corpus.chat import builtin
from tanuki_jax.data.preparation.build_store import MERGE, build
from tanuki_jax.data.preparation.chat_documents import Rendering
from tanuki_jax.data.preparation.encode_unit import start_worker
from tanuki_jax.data.preparation.encode_units import unit_name
from tanuki_jax.data.preparation.inventory import UNIT_BYTES, Inventory, take_inventory
from tanuki_jax.data.preparation.part import Part
from tanuki_jax.data.store import Store
from tanuki_jax.data.tokenizer.load import Tokenizer, load


def inventory_of(*paths: Path | str, unit_bytes: tuple[int, int] = UNIT_BYTES) -> Inventory:
    source = Source(name="s", paths=tuple(map(str, paths)))
    mixture = Mixture(sources=(source,), stages=(Stage(weights={"s": 1.0}),))
    (inventory,) = take_inventory(mixture, unit_bytes=unit_bytes)
    return inventory


def texts_of(store: Store, tokenizer: Tokenizer) -> list[str]:
    tokens = store.read(store.offsets[:-1], np.diff(store.offsets)).tolist()
    bounds = store.offsets.tolist()
    documents = [tokens[start:stop] for start, stop in itertools.pairwise(bounds)]
    assert all(document[-1] == tokenizer.eod for document in documents)
    return [tokenizer.decode(document[:-1]) for document in documents]


def test_documents_of_all_formats_are_stored_in_order_with_origins(
    tmp_path: Path,
    workers: Executor,
    tokenizer: Tokenizer,
    texts: Callable[[int, int, int], list[str]],
    write_json_lines: Callable[[Path, list[str]], Path],
) -> None:
    documents = texts(1, 150, 30)
    lines = write_json_lines(tmp_path / "a.jsonl", documents[:100])
    (tmp_path / "b.jsonl.gz").write_bytes(
        gzip.compress("".join(json.dumps({"text": t}) + "\n" for t in documents[100:120]).encode())
    )
    pq.write_table(pa.table({"text": documents[120:149]}), tmp_path / "c.parquet", row_group_size=10)
    (tmp_path / "d.txt").write_text(documents[149], encoding="utf-8")
    inventory = inventory_of(tmp_path / "*.*", unit_bytes=(2_000, 2_000))
    assert len(inventory.units) > 4
    store = build(inventory, tmp_path / "stores" / "s", tokenizer, workers, 0.0)
    assert texts_of(store, tokenizer) == documents
    content = lines.read_text(encoding="utf-8").splitlines()
    for document in range(100):
        origin = store.origin(document)
        assert origin.path == str(lines) and json.loads(content[origin.row - 1])["text"] == documents[document]
    origins = [
        (Path(store.origin(document).path).name, store.origin(document).row) for document in (100, 119, 120, 148, 149)
    ]
    assert origins == [("b.jsonl.gz", 1), ("b.jsonl.gz", 20), ("c.parquet", 1), ("c.parquet", 29), ("d.txt", 1)]
    assert [path.name for path in (tmp_path / "stores").iterdir()] == ["s"]
    lengths = np.diff(store.offsets)
    assert store.statistics == {
        "documents": 150,
        "characters": sum(map(len, documents)),
        "bytes": sum(len(text.encode()) for text in documents),
        "tokens": store.tokens,
        "tokens_per_character": pytest.approx(store.tokens / sum(map(len, documents)), abs=1e-4),
        "document_tokens_percentiles": {
            str(percent): int(np.percentile(lengths, percent, method="inverted_cdf"))
            for percent in (1, 5, 25, 50, 75, 95, 99, 100)
        },
        "malformed": 0,
        "first_malformed": [],
    }


@pytest.mark.parametrize("unit_bytes", [150, 1_000, 1 << 20])
def test_the_store_does_not_depend_on_the_units(
    tmp_path: Path,
    workers: Executor,
    tokenizer: Tokenizer,
    texts: Callable[[int, int, int], list[str]],
    write_json_lines: Callable[[Path, list[str]], Path],
    unit_bytes: int,
) -> None:
    paths = [write_json_lines(tmp_path / f"{name}.jsonl", texts(seed, 30, 20)) for seed, name in enumerate("ab")]
    stores = [
        build(inventory_of(*paths, unit_bytes=(size, size)), tmp_path / str(n), tokenizer, workers, 0.0)
        for n, size in enumerate((unit_bytes, 400))
    ]
    assert stores[0].fingerprint == stores[1].fingerprint


def test_malformed_rows_are_named_by_file_and_line_counted_and_skipped(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    workers: Executor,
    tokenizer: Tokenizer,
) -> None:
    lines = [b'{"text": "good"}'] * 18
    lines[7] = b'{"text": "broken'
    lines[13] = b'{"text": "\xe7\x8b"}'
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"\n".join(lines))
    store = build(inventory_of(file, unit_bytes=(60, 60)), tmp_path / "s", tokenizer, workers, 2 / 18)
    assert (store.documents, store.statistics["malformed"]) == (16, 2)
    printed = capsys.readouterr().err.splitlines()
    assert [line.startswith(f"skipped {file}:{row}: ") for line, row in zip(printed, (8, 14), strict=True)] == [
        True
    ] * 2
    assert [f"skipped {named}" for named in store.statistics["first_malformed"]] == printed
    assert store.origin(7).row == 9


def test_rows_that_are_not_named_are_counted_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: Executor, tokenizer: Tokenizer
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"{\n" * 23 + b'{"text": "good"}\n')
    build(inventory_of(file), tmp_path / "s", tokenizer, workers, 1.0)
    *named, rest = capsys.readouterr().err.splitlines()
    assert len(named) == 20 and rest == "s: 3 more rows are malformed"


def test_too_many_malformed_rows_are_an_error_and_leave_no_store(
    tmp_path: Path, workers: Executor, tokenizer: Tokenizer
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "good"}\n' * 9 + "{}\n")
    with pytest.raises(InputError, match=rf"1 of 10 records of s are malformed.*\(0.09\).*{file}:10: no field 'text'"):
        build(inventory_of(file), tmp_path / "stores" / "s", tokenizer, workers, 0.09)
    assert not (tmp_path / "stores" / "s").exists()
    assert build(inventory_of(file), tmp_path / "stores" / "s", tokenizer, workers, 0.1).documents == 9


def test_a_source_of_blank_lines_has_no_documents(tmp_path: Path, workers: Executor, tokenizer: Tokenizer) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("\n\n")
    with pytest.raises(InputError, match="the source s has no documents"):
        build(inventory_of(file), tmp_path / "s", tokenizer, workers, 0.0)


class Watched(Executor):
    """Executor that passes work to another one, calls a function before it does, and keeps the futures."""

    def __init__(self, workers: Executor, on_submit: Callable[[Any, Path], None]) -> None:
        self._workers, self._on_submit = workers, on_submit
        self.futures: list[Future[Any]] = []

    def submit(self, function: Any, unit: Any, part: Path, /, *rest: Any) -> Future[Any]:  # type: ignore[override]
        self._on_submit(unit, part)
        self.futures.append(self._workers.submit(function, unit, part, *rest))
        return self.futures[-1]


@pytest.fixture
def small_units(
    tmp_path: Path,
    texts: Callable[[int, int, int], list[str]],
    write_json_lines: Callable[[Path, list[str]], Path],
) -> Callable[[int], Inventory]:
    """Return the inventory of a file of so many documents, in units of about 1,000 bytes."""
    return lambda count: inventory_of(
        write_json_lines(tmp_path / "a.jsonl", texts(5, count, 30)), unit_bytes=(1_000, 1_000)
    )


def test_an_interrupted_run_continues_after_its_parts(
    tmp_path: Path, workers: Executor, tokenizer: Tokenizer, small_units: Callable[[int], Inventory]
) -> None:
    inventory = small_units(100)
    undisturbed = build(inventory, tmp_path / "undisturbed", tokenizer, workers, 0.0)

    def refuse_after_three(unit: Any, part: Path) -> None:
        if unit not in inventory.units[:3]:
            part.with_suffix(".tokens").mkdir()  # so that the file of this name cannot be written

    failing = Watched(workers, refuse_after_three)
    with pytest.raises(OSError, match="Is a directory"):
        build(inventory, tmp_path / "stores" / "s", tokenizer, failing, 0.0)
    wait(failing.futures)
    (parts,) = (tmp_path / "stores").iterdir()
    assert parts.name.startswith(".s.parts-")
    for obstacle in filter(Path.is_dir, parts.iterdir()):
        obstacle.rmdir()
    encoded: list[Any] = []
    counting = Watched(workers, lambda unit, part: encoded.append(unit))
    resumed = build(inventory, tmp_path / "stores" / "s", tokenizer, counting, 0.0)
    assert len(inventory.units) > 5 and encoded == list(inventory.units[3:])
    assert resumed.fingerprint == undisturbed.fingerprint


def test_builders_of_one_store_share_its_units(
    tmp_path: Path, workers: Executor, tokenizer: Tokenizer, small_units: Callable[[int], Inventory]
) -> None:
    inventory = small_units(400)
    encoded: list[Any] = []
    counting = Watched(workers, lambda unit, part: encoded.append(unit))

    def built(_: int) -> Store:
        return build(inventory, tmp_path / "stores" / "s", tokenizer, counting, 0.0, ahead=2)

    with ThreadPoolExecutor(3) as threads:
        stores = [*threads.map(built, range(3))]
    alone = build(inventory, tmp_path / "alone", tokenizer, workers, 0.0)
    assert {store.fingerprint for store in stores} == {alone.fingerprint}
    assert Counter(map(repr, encoded)) == Counter(map(repr, inventory.units)) and len(inventory.units) > 20
    assert [path.name for path in (tmp_path / "stores").iterdir()] == ["s"]


def test_work_of_a_dead_host_is_done_by_the_others(tmp_path: Path, workers: Executor, tokenizer: Tokenizer) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "good"}\n' * 90)
    inventory = inventory_of(file, unit_bytes=(200, 200))

    def stop(unit: Any, part: Path) -> None:
        if unit == inventory.units[2]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(inventory, tmp_path / "s", tokenizer, Watched(workers, stop), 0.0, ahead=1)
    (parts,) = tmp_path.glob(".s.parts-*")
    for name in (MERGE, unit_name(2), unit_name(3)):
        claim_path(parts, name).write_text('{"host": "another", "process": 7}')
        os.utime(claim_path(parts, name), (time.time() - EXPIRY_SECONDS - 1,) * 2)
    store = build(inventory, tmp_path / "s", tokenizer, workers, 0.0)
    assert store.documents == 90 and len(inventory.units) > 4


def test_a_builder_whose_parts_are_gone_opens_the_store_of_another(
    tmp_path: Path, workers: Executor, tokenizer: Tokenizer
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "good"}\n' * 90)
    inventory = inventory_of(file, unit_bytes=(200, 200))
    made = build(inventory, tmp_path / "another", tokenizer, workers, 0.0)

    def finish_it_elsewhere(unit: Any, part: Path) -> None:
        if unit == inventory.units[4]:  # by now this builder has begun to merge
            shutil.copytree(made.folder, tmp_path / "stores" / "s")
            shutil.rmtree(part.parent)

    slow = Watched(workers, finish_it_elsewhere)
    assert build(inventory, tmp_path / "stores" / "s", tokenizer, slow, 0.0, ahead=1).documents == 90
    assert len(inventory.units) > 5 == len(slow.futures)
    assert [path.name for path in (tmp_path / "stores").iterdir()] == ["s"]


def test_parts_of_other_files_are_not_used(tmp_path: Path, workers: Executor, tokenizer: Tokenizer) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "old"}\n{}\n')
    with pytest.raises(InputError, match="malformed"):
        build(inventory_of(file), tmp_path / "stores" / "s", tokenizer, workers, 0.0)
    file.write_text('{"text": "new words"}\n')
    store = build(inventory_of(file), tmp_path / "stores" / "s", tokenizer, workers, 0.0)
    assert texts_of(store, tokenizer) == ["new words"]
    assert [path.name for path in (tmp_path / "stores").iterdir()] == ["s"]


def test_the_store_of_texts_is_that_of_the_first_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare with hashes from when all stores were of texts: old stores, and parts of interrupted runs, stay valid."""
    monkeypatch.chdir(tmp_path)
    vocabulary = {word: number for number, word in enumerate(["<EOD>", "<UNK>", *(f"w{n}" for n in range(40))])}
    parts = (
        "version",
        "truncation",
        "padding",
        "added_tokens",
        "normalizer",
        "pre_tokenizer",
        "post_processor",
        "decoder",
        "model",
    )
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<UNK>"}
    values: tuple[object, ...] = ("1.0", None, None, [], None, {"type": "WhitespaceSplit"}, None, None, model)
    Path("tokenizer.json").write_text(json.dumps(dict(zip(parts, values, strict=True))))
    lines = [json.dumps({"text": " ".join(f"w{n}" for n in range(count))}) for count in range(1, 30)]
    messages = [{"role": "user", "content": "w1"}, {"role": "assistant", "content": "w2 w3"}]
    Path("a.jsonl").write_text("\n".join([*lines, "{}", json.dumps({"messages": messages})]) + "\n")
    os.utime("a.jsonl", ns=(0, 0))  # younger versions know the time of a file's last change, and it counts
    words, inventory = load("tokenizer.json"), inventory_of("a.jsonl")
    folders: list[str] = []

    columns: list[set[str]] = []

    class Recorded(Executor):
        def submit(self, function: Any, unit: Any, part: Path, /, *rest: Any) -> Future[Any]:  # type: ignore[override]
            future = pool.submit(function, unit, part, *rest)
            future.result()
            folders.append(part.parent.name)
            columns.append(set(np.load(part).files))
            return future

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, start_worker, ("tokenizer.json",)) as pool:
        store = build(inventory, Path("stores/s"), words, Recorded(), 0.5)
    fields = {field.name for field in dataclasses.fields(Part) if field.default is dataclasses.MISSING}
    assert columns == [fields]
    assert folders == [".s.parts-2563472714e67851"]
    text = Path("stores/s/store.json").read_text()
    first_version, younger = re.subn(r',\s*"modified": \d+,\s*"digest": "[0-9a-f]{32}"', "", text)
    assert younger == 1
    description = hashlib.sha256(first_version.encode()).hexdigest()[:16]
    assert (description, store.fingerprint) == ("2147856f862b2d10", "518bd42e5d7291cdc4555639da6183f7")


CHAT = '{"instruction": "東京", "output": "狸"}'


def chats_of(file: Path, form: ChatForm, sequence_length: int, unit_bytes: tuple[int, int] = UNIT_BYTES) -> Inventory:
    source = Source(name="s", paths=(str(file),), form=form)
    mixture = Mixture(sources=(source,), stages=(Stage(weights={"s": 1.0}),))
    (inventory,) = take_inventory(mixture, unit_bytes=unit_bytes)
    return dataclasses.replace(inventory, rendering=Rendering(form, builtin.find("tanuki"), sequence_length))


def turns(*contents: str) -> str:
    return json.dumps(
        {"messages": [{"role": ("user", "assistant")[n % 2], "content": content} for n, content in enumerate(contents)]}
    )


def test_malformed_dropped_and_shortened_chats_are_counted_and_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    workers: Executor,
    tokenizer: Tokenizer,
) -> None:
    rows = [
        CHAT,
        turns("東京", "狸", "本を", "狸" * 300),
        "{}",
        turns("東京", "狸" * 300),
        "",
        turns("東京"),
        turns("東京", "狸", "x", "狸"),
    ]
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join(rows * 2) + "\n")
    store = build(chats_of(file, "chat", 170, unit_bytes=(100, 100)), tmp_path / "s", tokenizer, workers, 0.5)
    counts = store.statistics
    assert [counts[name] for name in ("records", "documents", "malformed", "dropped", "shortened")] == [6, 6, 4, 2, 2]
    assert [store.origin(document).row for document in range(6)] == [1, 2, 7, 8, 9, 14]
    for kind, lines in (("malformed", (3, 6, 10, 13)), ("dropped", (4, 11)), ("shortened", (2, 9))):
        assert [
            named.startswith(f"{file}:{line}: ") for named, line in zip(counts[f"first_{kind}"], lines, strict=True)
        ] == [True] * len(lines)
    printed = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[0] for line in printed] == ["shortened", *["skipped"] * 3] * 2 + ["s:"]
    sizes = np.diff(store.offsets)
    assert sizes.max() <= 171 and counts["learned_tokens"] == int(store.read_learned(store.offsets[:-1], sizes).sum())
    tokens, learned = (
        store.read(store.offsets[:1], sizes[:1]),
        store.read_learned(store.offsets[:1], sizes[:1]).astype(bool),
    )
    assert tokenizer.decode(tokens[learned]).strip() == "狸" and tokens[learned][-1] == tokenizer.eos
    assert (store.has_learned, store.documents_per_record, store.settings["form"]) == (True, 1, "chat")
    assert not list(tmp_path.glob(".s.*"))


@pytest.mark.parametrize(("form", "documents"), [("preference", 2), ("kto", 3)])
def test_documents_of_a_preference_are_adjacent_with_its_prompts_hash(
    tmp_path: Path, workers: Executor, tokenizer: Tokenizer, form: ChatForm, documents: int
) -> None:
    prompts = ["東京", "名前は", "東京"]
    lines = [
        json.dumps({"prompt": prompt, "chosen": f"狸 {n}", "rejected": f"猫 {n}"}) for n, prompt in enumerate(prompts)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n")
    store = build(chats_of(tmp_path / "a.jsonl", form, 1_000), tmp_path / "s", tokenizer, workers, 0.0)
    assert (store.documents_per_record, store.documents, store.statistics["records"]) == (documents, 3 * documents, 3)
    of_records = store.digests.reshape(3, documents)
    assert (of_records == of_records[:, :1]).all() and of_records[0, 0] == of_records[2, 0] != of_records[1, 0]
    assert [store.origin(document).row for document in range(3 * documents)] == [
        row for row in (1, 2, 3) for _ in range(documents)
    ]
    sizes = np.diff(store.offsets)
    tokens, learned = store.read(store.offsets[:-1], sizes), store.read_learned(store.offsets[:-1], sizes).astype(bool)
    answers = [
        tokenizer.decode(tokens[a:b][learned[a:b]]).strip() for a, b in itertools.pairwise(store.offsets.tolist())
    ]
    others = [["狸 1"], ["狸 0"], ["狸 1"]] if form == "kto" else [[]] * 3
    assert answers == [answer for n in range(3) for answer in (f"狸 {n}", f"猫 {n}", *others[n])]


def test_too_long_records_are_counted_apart_from_malformed_ones(
    tmp_path: Path, workers: Executor, tokenizer: Tokenizer, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.jsonl"
    long = turns("東京", "狸" * 300)
    file.write_text("\n".join([CHAT] * 7 + [long, "{}", long]) + "\n")
    with pytest.raises(InputError, match=rf"^1 of 10 records of s are malformed, .*\(0\.05\).* first is {file}:9: no"):
        build(chats_of(file, "chat", 140), tmp_path / "s", tokenizer, workers, 0.05)
    assert build(chats_of(file, "chat", 140), tmp_path / "s", tokenizer, workers, 0.1).documents == 7
    assert "s: of 10 records 2 were dropped and 0 shortened, being too long" in capsys.readouterr().err
    file.write_text(f"{long}\n")
    with pytest.raises(InputError, match=rf"^all 1 records of s are too long .*; the first: {file}:1: .*'truncate'"):
        build(chats_of(file, "chat", 140), tmp_path / "t", tokenizer, workers, 0.1)
