import dataclasses
import gzip
import hashlib
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

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import ChatForm, Mixture, PairForm, Source, Stage
from tanuki_jax.corpus.chat import builtin as named
from tanuki_jax.data.preparation import build_store as building
from tanuki_jax.data.preparation import encode_unit as encode
from tanuki_jax.data.preparation import inventory
from tanuki_jax.data.preparation.build_store import build
from tanuki_jax.data.preparation.chat_documents import Rendering
from tanuki_jax.data.preparation.inventory import Inventory, take_inventory
from tanuki_jax.data.preparation.part import Part
from tanuki_jax.data.store import Store
from tanuki_jax.data.tokenizer.load import Tokenizer, load


@pytest.fixture
def threads(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
    """Threads in the place of worker processes, which take longer to start than these tests."""
    monkeypatch.setattr(encode, "_tokenizer", tokenizer, raising=False)
    with ThreadPoolExecutor(2) as pool:
        yield pool


def taken(*paths: Path | str) -> Inventory:
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
    (tmp_path / "b.jsonl.gz").write_bytes(
        gzip.compress("".join(json.dumps({"text": t}) + "\n" for t in documents[100:120]).encode())
    )
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
    places = [
        (Path(store.origin(document).path).name, store.origin(document).row) for document in (100, 119, 120, 148, 149)
    ]
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
            str(percent): int(np.percentile(lengths, percent, method="inverted_cdf"))
            for percent in (1, 5, 25, 50, 75, 95, 99, 100)
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
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    threads: Executor,
    tokenizer: Tokenizer,
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


def test_rows_that_are_not_named_are_counted_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], threads: Executor, tokenizer: Tokenizer
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"{\n" * 23 + b'{"text": "good"}\n')
    build(taken(file), tmp_path / "s", tokenizer, threads, 1.0)
    *named, rest = capsys.readouterr().err.splitlines()
    assert len(named) == 20 and rest == "s: 3 more are malformed"


def test_too_many_malformed_rows_end_it_and_leave_no_store(
    tmp_path: Path, threads: Executor, tokenizer: Tokenizer
) -> None:
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

    def until_the_disk_is_full(unit: Any, *others: Any) -> int:
        if len(encoded) == 3:
            raise OSError(28, "No space left on device")
        encoded.append(unit)
        return encode.encode_in_worker(unit, *others)

    def counted(unit: Any, *others: Any) -> int:
        encoded.append(unit)
        return encode.encode_in_worker(unit, *others)

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


def test_the_store_of_texts_is_what_it_was_before_there_were_chats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashes of what was made when a store was of texts alone: old stores, and parts of interrupted runs, are still the same."""
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
    words, found = load("tokenizer.json"), taken("a.jsonl")
    folders: list[str] = []

    def noted(unit: Any, part: Path, dtype: str, rendering: Any) -> int:
        folders.append(part.parent.name)
        count = encode.encode_unit(unit, words, part, dtype)
        assert set(np.load(part).files) == {
            field.name for field in dataclasses.fields(Part) if field.default is dataclasses.MISSING
        }
        return count

    monkeypatch.setattr(building, "encode_in_worker", noted)
    with ThreadPoolExecutor(1) as pool:
        store = build(found, Path("stores/s"), words, pool, 0.5)
    assert folders == [".s.parts-2563472714e67851"]
    description = hashlib.sha256(Path("stores/s/store.json").read_bytes()).hexdigest()[:16]
    assert (description, store.fingerprint) == ("2147856f862b2d10", "518bd42e5d7291cdc4555639da6183f7")


CHAT = '{"instruction": "東京", "output": "狸"}'


def rendered(file: Path, form: ChatForm, sequence_length: int) -> Inventory:
    source = Source(name="s", paths=(str(file),), form=form)
    (found,) = take_inventory(Mixture(sources=(source,), stages=(Stage(weights={"s": 1.0}),)))
    return dataclasses.replace(found, rendering=Rendering(form, named.find("tanuki"), sequence_length))


def turns(*contents: str) -> str:
    return json.dumps(
        {"messages": [{"role": ("user", "assistant")[n % 2], "content": content} for n, content in enumerate(contents)]}
    )


def test_chats_that_are_broken_too_long_or_shortened_are_counted_apart_and_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    threads: Executor,
    tokenizer: Tokenizer,
) -> None:
    monkeypatch.setattr(inventory, "UNIT_BYTES", (100, 100))
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
    store = build(rendered(file, "chat", 170), tmp_path / "s", tokenizer, threads, 0.5)
    counts = store.statistics
    assert [counts[name] for name in ("records", "documents", "malformed", "dropped", "shortened")] == [6, 6, 4, 2, 2]
    assert [store.origin(document).row for document in range(6)] == [1, 2, 7, 8, 9, 14]
    for kind, lines in (("malformed", (3, 6, 10, 13)), ("dropped", (4, 11)), ("shortened", (2, 9))):
        assert [
            place.startswith(f"{file}:{line}: ") for place, line in zip(counts[f"first_{kind}"], lines, strict=True)
        ] == [True] * len(lines)
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[0] for line in said] == ["shortened", *["skipped"] * 3] * 2
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
def test_the_documents_of_a_preference_follow_each_other_with_the_hash_of_its_prompt(
    tmp_path: Path, threads: Executor, tokenizer: Tokenizer, form: PairForm, documents: int
) -> None:
    prompts = ["東京", "名前は", "東京"]
    lines = [
        json.dumps({"prompt": prompt, "chosen": f"狸 {n}", "rejected": f"猫 {n}"}) for n, prompt in enumerate(prompts)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n")
    store = build(rendered(tmp_path / "a.jsonl", form, 1_000), tmp_path / "s", tokenizer, threads, 0.0)
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


def test_records_that_are_too_long_count_as_those_that_are_malformed(
    tmp_path: Path, threads: Executor, tokenizer: Tokenizer
) -> None:
    file = tmp_path / "a.jsonl"
    long = turns("東京", "狸" * 300)
    file.write_text("\n".join([CHAT] * 7 + [long, "{}", long]) + "\n")
    found = r"of 10 records of s 2 are too long for data\.sequence_length and 1 are malformed, together .*\(0\.25\)"
    with pytest.raises(InputError, match=rf"{found}.*{file}:8: .* and {file}:9: no"):
        build(rendered(file, "chat", 140), tmp_path / "s", tokenizer, threads, 0.25)
    assert build(rendered(file, "chat", 140), tmp_path / "s", tokenizer, threads, 0.3).documents == 7
