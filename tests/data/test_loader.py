import dataclasses
import hashlib
import itertools
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Data, Tokenizer
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.data.batch import Batch
from tanuki_jax.data.loader import HostBatch, Loader, data_step_of
from tanuki_jax.data.loss_weights import to_codes
from tanuki_jax.data.store import Input, Store, StoreWriter

OF_SOURCE = 100_000
"""Token n of test store number s has the id s * OF_SOURCE + n, so that a token identifies its source and position."""


def write_store(
    folder: Path,
    number: int,
    sizes: Sequence[int],
    tokenizer: str = "t",
    documents_per_record: int = 0,
    settings: Mapping[str, object] | None = None,
) -> Store:
    """Write a store named `folder.name` of documents with these numbers of tokens, all with different texts.

    With `documents_per_record`, it is a store of chats, in which every third token is not learned.
    """
    tokens = np.arange(sum(sizes), dtype=np.uint32) + number * OF_SOURCE
    together = documents_per_record or 1
    digests = (
        np.random.default_rng(number).integers(0, 2**63, len(sizes) // together).astype(np.uint64).repeat(together)
    )
    with StoreWriter(
        folder,
        source=folder.name,
        tokenizer_fingerprint=tokenizer,
        vocabulary=2**20,
        inputs=[Input("some.jsonl", 1)],
        settings=settings or {},
        has_learned=documents_per_record > 0,
        documents_per_record=together,
    ) as writer:
        origins = (np.zeros(len(sizes), np.int32), np.arange(1, len(sizes) + 1))
        learned = is_learned(tokens).astype(np.uint8) if documents_per_record else None
        writer.append(tokens, np.array(sizes, np.int64), digests, *origins, learned)
        return writer.commit({})


def is_learned(tokens: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    return tokens % 3 != 1


def mixture(*stages: tuple[int, Mapping[str, float]]) -> Mixture:
    names = dict.fromkeys(itertools.chain(*(weights for _, weights in stages)))
    return Mixture(
        sources=tuple(Source(name=name) for name in names),
        stages=tuple(Stage(from_step=from_step, weights=weights) for from_step, weights in stages),
    )


def data(**changes: object) -> Data:
    standard = Data(
        mixture="some",
        tokenizer=Tokenizer(path="tokenizer"),
        stores="stores",
        sequence_length=16,
        batch_rows=8,
        held_out_share=0.0,
        read_threads=2,
    )
    return dataclasses.replace(standard, **changes)  # type: ignore[arg-type]


SIZES = {"a": [5, 40, 17, 1, 2, 30, 8, 8, 9, 3] * 4, "b": [100, 20, 33, 4] * 3}


def assert_same(one: HostBatch, other: HostBatch) -> None:
    for name, left, right in zip(one._fields, one, other, strict=True):
        if left is None or right is None:
            assert left is right, name
            continue
        np.testing.assert_array_equal(left, right, err_msg=name)
        assert left.dtype == right.dtype


def inputs_in(row: HostBatch, sizes: Sequence[int]) -> list[int]:
    """Return the input tokens of a row of a store with documents of these sizes; check all other arrays of the row."""
    document_of = np.repeat(np.arange(len(sizes)), sizes).tolist()
    filled = int((row.segment_ids != 0).sum())
    segment, position, document = 0, 0, -1
    for t in range(filled):
        token = int(row.tokens[t]) % OF_SOURCE
        follows = t > 0 and row.tokens[t] == row.tokens[t - 1] + 1 and document_of[token] == document
        document = document_of[token]
        segment, position = (segment, position + 1) if follows else (segment + 1, 0)
        assert (row.segment_ids[t], row.positions[t], row.loss_weights[t]) == (segment, position, 1.0)
        assert row.targets[t] == row.tokens[t] + 1 and document_of[token + 1] == document
    assert (row.pair_ids, row.sides, row.reference_logps) == (None, None, None)
    for array in row[:5]:
        assert array is not None and not array[filled:].any()
    return [int(token) for token in row.tokens[:filled]]


def all_inputs(sizes: Sequence[int], number: int) -> list[int]:
    """Return every token that is not the last of its document."""
    begins = itertools.accumulate(sizes[:-1], initial=0)
    return [number * OF_SOURCE + begin + n for begin, size in zip(begins, sizes, strict=True) for n in range(size - 1)]


def of_each(function: Callable[..., Any], *batches: HostBatch) -> HostBatch:
    """Apply a function to each array of several batches, where they have it."""
    return Batch(*(None if arrays[0] is None else function(*arrays) for arrays in zip(*batches, strict=True)))


def row(batch: HostBatch, index: int) -> HostBatch:
    return of_each(lambda array: array[index], batch)


@settings(max_examples=20, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 70), min_size=1, max_size=25).filter(lambda sizes: max(sizes) > 1),
    sequence_length=st.integers(1, 40),
    batch_rows=st.integers(1, 7),
    window=st.integers(1, 30),
    seed=st.integers(0, 3),
)
def test_two_epochs_read_every_token_of_every_document_twice(
    sizes: list[int], sequence_length: int, batch_rows: int, window: int, seed: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = write_store(Path(folder) / "a", 0, sizes)
        shape = data(sequence_length=sequence_length, batch_rows=batch_rows, window_documents=window)
        one = Loader({"a": store}, mixture((0, {"a": 1.0})), shape, seed)
        expected = all_inputs(sizes, 0) * 2
        read: Counter[int] = Counter()
        batches = (one.batch(step, slice(None)) for step in itertools.count())
        rows = itertools.chain.from_iterable((row(batch, index) for index in range(batch_rows)) for batch in batches)
        while read.total() < len(expected):
            read.update(inputs_in(next(rows), sizes))
        assert read == Counter(expected)


def test_a_batch_has_rows_of_each_source_in_proportion(loader: Loader) -> None:
    rows = [row(loader.batch(step, slice(None)), index) for step in range(6) for index in range(8)]
    for part in rows:
        name = "ab"[part.tokens[0] // OF_SOURCE]
        assert inputs_in(part, SIZES[name])
    assert sum(part.tokens[0] >= OF_SOURCE for part in rows) == 16


@pytest.mark.parametrize("hosts", [1, 2, 4, 8])
def test_any_number_of_hosts_reads_the_same_rows(loader: Loader, stores: dict[str, Store], hosts: int) -> None:
    readers = [Loader(stores, mixture((0, {"a": 2.0, "b": 1.0})), data(), seed=0) for _ in range(hosts)]
    for step in (0, 3, 50):
        parts = [
            reader.batch(step, slice(host * 8 // hosts, (host + 1) * 8 // hosts)) for host, reader in enumerate(readers)
        ]
        assert_same(loader.batch(step, slice(None)), of_each(lambda *arrays: np.concatenate(arrays), *parts))


def test_the_order_of_access_does_not_matter(loader: Loader, stores: dict[str, Store]) -> None:
    forwards = [loader.batch(step, slice(None)) for step in range(20)]
    backwards = Loader(stores, mixture((0, {"a": 2.0, "b": 1.0})), data(), seed=0)
    for step in reversed(range(20)):
        assert_same(backwards.batch(step, slice(None)), forwards[step])
    assert_same(loader.batch(4, [6, 0, 3]), of_each(lambda array: array[[6, 0, 3]], forwards[4]))


def test_a_trace_names_the_fragments_of_every_row(loader: Loader, stores: dict[str, Store]) -> None:
    epochs = set()
    for step in (0, 5, 9):
        batch = loader.batch(step, slice(None))
        for index, fragments in enumerate(loader.trace(step)):
            begins = [(part, int(stores[part.source].offsets[part.document]) + part.start) for part in fragments]
            expected = [
                n + "ab".index(part.source) * OF_SOURCE
                for part, begin in begins
                for n in range(begin, begin + part.length)
            ]
            assert inputs_in(row(batch, index), SIZES[fragments[0].source]) == expected
            epochs |= {part.epoch for part in fragments}
    assert {0, 1} <= epochs


def test_a_stage_continues_each_source_after_the_stage_before(stores: dict[str, Store]) -> None:
    staged = Loader(
        stores, mixture((0, {"a": 1.0, "b": 1.0}), (2, {"b": 1.0}), (4, {"a": 1.0, "b": 1.0})), data(), seed=0
    )
    sources = [{part.source for fragments in staged.trace(step) for part in fragments} for step in range(6)]
    assert sources == [{"a", "b"}] * 2 + [{"b"}] * 2 + [{"a", "b"}] * 2
    steady = Loader(stores, mixture((0, {"a": 1.0})), data(), seed=0)
    rows_of_a = [row for step in (0, 1, 4, 5) for row in staged.trace(step) if row[0].source == "a"]
    assert rows_of_a == [*steady.trace(0), *steady.trace(1)]
    assert staged.epochs(2)["a"] == staged.epochs(4)["a"] == steady.epochs(1)["a"]


def test_the_fingerprint_changes_with_all_that_determines_batches(stores: dict[str, Store], tmp_path: Path) -> None:
    def fingerprint(weights: Mapping[str, float] = {"a": 2.0, "b": 1.0}, seed: int = 0, **changes: object) -> str:
        return Loader(stores, mixture((0, weights)), data(**changes), seed).fingerprint

    other_documents = {"a": write_store(tmp_path / "a", 0, [*SIZES["a"], 6]), "b": stores["b"]}
    different = [
        fingerprint(),
        fingerprint(seed=1),
        fingerprint(weights={"a": 1.0, "b": 1.0}),
        fingerprint(weights={"a": 1.0}),
        fingerprint(sequence_length=32),
        fingerprint(batch_rows=4),
        fingerprint(held_out_share=0.5),
        fingerprint(window_documents=7),
        Loader(other_documents, mixture((0, {"a": 2.0, "b": 1.0})), data(), 0).fingerprint,
    ]
    assert len(set(different)) == len(different)
    assert fingerprint(weights={"a": 20.0, "b": 10.0}, read_threads=7) == fingerprint()


def test_a_stage_that_has_not_begun_may_change(stores: dict[str, Store]) -> None:
    def loader(*stages: tuple[int, Mapping[str, float]], **changes: object) -> Loader:
        return Loader(stores, mixture(*stages), data(**changes), seed=0)

    alone = loader((0, {"a": 1.0}))
    grown = loader((0, {"a": 1.0}), (4, {"a": 1.0, "b": 3.0}))
    other = loader((0, {"a": 1.0}), (4, {"b": 1.0}))
    for step in range(4):
        for later in (grown, other):
            np.testing.assert_array_equal(later.batch(step, slice(None)).tokens, alone.batch(step, slice(None)).tokens)
    at_4, at_5 = (alone.fingerprint_before(step) for step in (4, 5))
    assert at_4 == at_5 == alone.fingerprint
    for later in (grown, other):
        assert later.has_made(at_4, 4) and later.fingerprint != alone.fingerprint
        assert not later.has_made(at_5, 5)
        assert later.fingerprint_before(5) == later.fingerprint and later.has_made(later.fingerprint, 2)
    assert not grown.has_made(other.fingerprint_before(5), 5)
    assert not loader((0, {"a": 1.0}), (4, {"b": 1.0}), batch_rows=4).has_made(at_4, 4)


def test_skipped_data_steps_move_the_later_ones() -> None:
    assert [data_step_of(step, []) for step in range(4)] == [0, 1, 2, 3]
    assert [data_step_of(step, [0, 2, 3, 7]) for step in range(5)] == [1, 4, 5, 6, 8]


@given(st.sets(st.integers(0, 60)), st.integers(0, 60))
def test_the_data_step_is_the_step_plus_the_skipped_ones_before_it(skipped: set[int], step: int) -> None:
    read = [n for n in range(200) if n not in skipped]
    assert data_step_of(step, sorted(skipped)) == read[step]


def test_iterating_reads_the_steps_in_order_without_skipped_ones(loader: Loader) -> None:
    batches = loader.iterate(3, [1, 5], skipped=(0, 3, 6, 7))
    read = list(itertools.islice(batches, 20))
    assert [step for step, _ in read] == [4, 5, *range(8, 26)]
    for step, batch in read:
        assert_same(batch, loader.batch(step, [1, 5]))


def test_closing_ends_the_threads_that_read_ahead(loader: Loader) -> None:
    batches = loader.iterate(0, slice(None))
    next(batches)
    readers = [thread for thread in threading.enumerate() if "prefetch" in thread.name]
    batches.close()  # type: ignore[attr-defined]
    for thread in readers:
        thread.join(10)
    assert readers and not any(thread.is_alive() for thread in readers)


def test_an_error_of_the_store_reaches_the_reader(tmp_path: Path) -> None:
    store = write_store(tmp_path / "a", 0, SIZES["a"])
    (store.folder / "tokens" / "c" / "0").unlink()
    with pytest.raises(InputError, match="is damaged"):
        next(Loader({"a": store}, mixture((0, {"a": 1.0})), data(), 0).iterate(0, slice(None)))


def test_held_out_rows_are_fixed_and_never_trained_on(stores: dict[str, Store]) -> None:
    loaders = [Loader(stores, mixture((0, {"a": 2.0, "b": 1.0})), data(held_out_share=0.2), seed) for seed in (0, 1)]
    assert loaders[0].held_out_sources == ("a", "b")
    trained = {int(token) for step in range(40) for token in loaders[0].batch(step, slice(None)).tokens.flat}
    for number, name in enumerate("ab"):
        batch = loaders[0].held_out(name, 64)
        assert_same(batch, loaders[1].held_out(name, 64))
        assert batch.tokens.shape == (64, 16) and batch.segment_ids[0].any() and not batch.segment_ids[-1].any()
        read = [token for index in range(64) for token in inputs_in(row(batch, index), SIZES[name])]
        assert not set(read) & trained
        assert sorted({*read, *(trained & set(all_inputs(SIZES[name], number)))}) == all_inputs(SIZES[name], number)
        assert_same(loaders[0].held_out(name, 1), of_each(lambda array: array[:1], batch))


def test_a_source_of_one_document_has_nothing_held_out(tmp_path: Path, stores: dict[str, Store]) -> None:
    one = write_store(tmp_path / "one", 3, [50])
    some = Loader({"a": stores["a"], "one": one}, mixture((0, {"a": 1.0, "one": 1.0})), data(held_out_share=0.2), 0)
    assert some.held_out_sources == ("a",)
    assert not some.held_out("one", 2).segment_ids.any()


def test_a_source_with_nothing_to_train_on_is_named(tmp_path: Path, stores: dict[str, Store]) -> None:
    empty = write_store(tmp_path / "empty", 3, [1, 1])
    with pytest.raises(InputError, match=r"^empty in stores have no document"):
        Loader({"a": stores["a"], "empty": empty}, mixture((0, {"a": 1.0, "empty": 1.0})), data(), 0)


def test_a_held_out_source_is_read_completely_and_changes_no_batch(stores: dict[str, Store], loader: Loader) -> None:
    weights = mixture((0, {"a": 2.0, "b": 1.0}))
    exam = write_store(stores["a"].folder.parent / "exam", 2, SIZES["b"])
    watched = dataclasses.replace(weights, sources=(Source(name="exam", held_out=True), *weights.sources))
    both = Loader(stores | {"exam": exam}, watched, data(), seed=0)
    assert both.fingerprint == loader.fingerprint
    assert both.fingerprint_before(9) == loader.fingerprint_before(9)
    for step in (0, 5, 40):
        assert_same(both.batch(step, slice(None)), loader.batch(step, slice(None)))
    assert both.epochs(7) == loader.epochs(7)
    assert both.held_out_sources == ("exam",)
    rows = both.held_out("exam", 64)
    read = [token for index in range(64) for token in inputs_in(row(rows, index), SIZES["b"])]
    assert sorted(read) == all_inputs(SIZES["b"], 2)
    shared = Loader(stores | {"exam": exam}, watched, data(held_out_share=0.2), seed=0)
    assert shared.held_out_sources == ("exam", "a", "b")
    assert_same(shared.held_out("exam", 64), rows)
    assert [batch.segment_ids.size for batch, _ in both.all_documents("exam", "train", slice(None))] == []


def test_a_held_out_source_without_a_prediction_is_named(tmp_path: Path, stores: dict[str, Store]) -> None:
    sources = (Source(name="a"), Source(name="exam", held_out=True))
    watched = dataclasses.replace(mixture((0, {"a": 1.0})), sources=sources)
    exam = write_store(tmp_path / "exam", 3, [1, 1])
    with pytest.raises(InputError, match=r"^exam in stores have no document with a token to predict"):
        Loader({"a": stores["a"], "exam": exam}, watched, data(), 0)


def test_large_plans_are_written_to_disk(tmp_path: Path, loader: Loader) -> None:
    stores = {name: write_store(tmp_path / name, number, sizes) for number, (name, sizes) in enumerate(SIZES.items())}
    writing = Loader(stores, mixture((0, {"a": 2.0, "b": 1.0})), data(), 0, plans_kept_from=0)
    assert_same(writing.batch(30, slice(None)), loader.batch(30, slice(None)))
    assert len(list((tmp_path / "a" / "plans").iterdir())) >= 2


PAIRS = [3, 4, 5, 6, 2, 2, 9, 8, 7, 5, 3, 3, 4, 9, 6, 6, 5, 5, 2, 9, 4, 4, 8, 3]


def test_only_learned_targets_of_chats_have_a_weight(tmp_path: Path, stores: dict[str, Store]) -> None:
    chats = write_store(tmp_path / "chats", 2, PAIRS, documents_per_record=1)
    both = Loader({"a": stores["a"], "chats": chats}, mixture((0, {"a": 1.0, "chats": 1.0})), data(), 0)
    read: Counter[str] = Counter()
    for step in range(4):
        batch = both.batch(step, slice(None))
        assert (batch.pair_ids, batch.sides) == (None, None) and batch.loss_weights.dtype == np.float32
        filled = batch.segment_ids > 0
        of_chats = batch.tokens >= 2 * OF_SOURCE
        np.testing.assert_array_equal(batch.loss_weights[filled & ~of_chats], 1.0)
        np.testing.assert_array_equal(batch.loss_weights[of_chats], is_learned(batch.targets[of_chats]))
        np.testing.assert_array_equal(batch.loss_weights[~filled], 0.0)
        read.update({"texts": int((filled & ~of_chats).sum()), "chats": int(of_chats.sum())})
    assert read["texts"] and read["chats"]


@pytest.mark.parametrize("together", [2, 3])
def test_pair_ids_and_sides_identify_the_documents_of_a_record(tmp_path: Path, together: int) -> None:
    store = write_store(tmp_path / "pairs", 0, PAIRS, documents_per_record=together)
    loader = Loader({"pairs": store}, mixture((0, {"pairs": 1.0})), data(sequence_length=40, batch_rows=2), 0)
    assert loader.documents_per_record == together
    document_of = np.repeat(np.arange(len(PAIRS)), PAIRS)
    seen: set[int] = set()
    for step in range(6):
        batch = loader.batch(step, slice(None))
        assert batch.pair_ids is not None and batch.sides is not None
        assert batch.pair_ids.dtype == batch.sides.dtype == np.int32
        for index, fragments in enumerate(loader.trace(step)):
            filled = batch.segment_ids[index] > 0
            documents = document_of[batch.tokens[index][filled]]
            assert documents.tolist() == [part.document for part in fragments for _ in range(part.length)]
            np.testing.assert_array_equal(batch.sides[index][filled], documents % together + 1)
            order = {record: number for number, record in enumerate(dict.fromkeys((documents // together).tolist()), 1)}
            assert batch.pair_ids[index][filled].tolist() == [
                order[record] for record in (documents // together).tolist()
            ]
            assert not batch.pair_ids[index][~filled].any() and not batch.sides[index][~filled].any()
            assert all(Counter(part.document // together for part in fragments)[record] == together for record in order)
            seen.update(documents.tolist())
    assert seen == set(range(len(PAIRS)))


def test_an_answer_that_a_record_lacks_takes_no_position(tmp_path: Path) -> None:
    sizes = [5, 1, 4, 1, 6, 3]  # a good answer, a bad one; each with another prompt's answer
    store = write_store(tmp_path / "rated", 1, sizes, documents_per_record=3)
    loader = Loader({"rated": store}, mixture((0, {"rated": 1})), data(sequence_length=16, batch_rows=1), seed=0)
    batch, (fragments,) = loader.batch(0, slice(None)), loader.trace(0)
    assert batch.sides is not None and batch.pair_ids is not None
    of_tokens = [*zip(batch.pair_ids[0].tolist(), batch.sides[0].tolist(), strict=True)]
    first, second = of_tokens[0], of_tokens[-4]
    assert Counter(side for _, side in of_tokens) == {1: 4, 2: 5, 3: 5, 0: 2} and {first, second} <= {*of_tokens}
    assert sorted(fragment.document for fragment in fragments) == [0, 2, 4, 5]
    assert {fragment.length for fragment in fragments} == {4, 3, 5, 2}


def test_a_target_has_the_weight_that_its_store_keeps(tmp_path: Path) -> None:
    with StoreWriter(
        tmp_path / "w", source="w", tokenizer_fingerprint="t", vocabulary=99, inputs=[], settings={}, has_learned=True
    ) as writer:
        codes = to_codes(np.array([0, 0.25, 1, 0.5, 0], np.float32))
        columns = (np.array([5]), np.zeros(1, np.uint64), np.zeros(1, np.int32), np.ones(1, np.int64))
        writer.append(np.arange(5, dtype=np.uint16), *columns, codes)
        store = writer.commit({})
    loader = Loader({"w": store}, mixture((0, {"w": 1})), data(sequence_length=6, batch_rows=1), seed=0)
    assert loader.batch(0, slice(None)).loss_weights.tolist() == [[0.25, 1, 0.5, 0, 0, 0]]
    assert '"format": 2' in (tmp_path / "w" / "store.json").read_text()  # an older version would read 0.5 as 51


def test_both_documents_of_a_pair_are_in_one_split(tmp_path: Path) -> None:
    store = write_store(tmp_path / "pairs", 0, PAIRS, documents_per_record=2)
    shape = data(sequence_length=24, batch_rows=4, held_out_share=0.3)
    loader = Loader({"pairs": store}, mixture((0, {"pairs": 1.0})), shape, 0)
    document_of = np.repeat(np.arange(len(PAIRS)), PAIRS)
    batch = loader.held_out("pairs", 6)
    held_out = set(document_of[batch.tokens[batch.segment_ids > 0]].tolist())
    trained = {part.document for step in range(12) for fragments in loader.trace(step) for part in fragments}
    assert held_out and trained and held_out | trained == set(range(len(PAIRS))) and not held_out & trained
    assert {document ^ 1 for document in held_out} == held_out
    assert batch.sides is not None and set(batch.sides.flat) == {0, 1, 2}


@pytest.mark.parametrize("batch_rows", [1, 3, 50])
def test_all_documents_are_read_once_with_the_number_of_each(tmp_path: Path, batch_rows: int) -> None:
    store = write_store(tmp_path / "pairs", 0, PAIRS, documents_per_record=2)
    shape = data(sequence_length=24, batch_rows=batch_rows, held_out_share=0.3)
    loader = Loader({"pairs": store}, mixture((0, {"pairs": 1.0})), shape, 3)
    document_of = np.repeat(np.arange(len(PAIRS)), PAIRS)
    read: list[int] = []
    for split in ("train", "held_out"):
        for batch, documents in loader.all_documents("pairs", split, slice(None)):
            filled = batch.segment_ids > 0
            assert batch.tokens.shape == documents.shape == (batch_rows, 24)
            np.testing.assert_array_equal(documents[filled], document_of[batch.tokens[filled]])
            assert (documents[~filled] == -1).all()
            read += batch.tokens[filled].tolist()
    assert sorted(read) == all_inputs(PAIRS, 0)


def test_hosts_read_parts_of_all_documents(tmp_path: Path) -> None:
    store = write_store(tmp_path / "chats", 0, PAIRS, documents_per_record=1)
    loader = Loader({"chats": store}, mixture((0, {"chats": 1.0})), data(sequence_length=24, batch_rows=4), 0)
    complete = list(loader.all_documents("chats", "train", slice(None)))
    assert not complete[-1][0].segment_ids[-1].any(), "some host should have only padding in the last batch"
    parts = zip(*(loader.all_documents("chats", "train", slice(host, host + 1)) for host in range(4)), strict=True)
    for (of_all, all_documents), of_hosts in zip(complete, parts, strict=True):
        assert_same(of_all, of_each(lambda *arrays: np.concatenate(arrays), *(batch for batch, _ in of_hosts)))
        np.testing.assert_array_equal(all_documents, np.concatenate([documents for _, documents in of_hosts]))


def test_reference_logps_are_at_the_first_token_of_a_document(tmp_path: Path) -> None:
    pairs = {
        name: write_store(tmp_path / name, number, PAIRS, documents_per_record=2) for number, name in enumerate("pq")
    }
    loader = Loader(pairs, mixture((0, {"p": 1.0, "q": 1.0})), data(sequence_length=24, held_out_share=0.3), 0)
    without, fingerprint = loader.batch(2, slice(None)), loader.fingerprint
    totals = (-np.arange(1, 2 * len(PAIRS) + 1) / 3).astype(np.float32).reshape(2, -1)
    loader.set_reference({"p": totals[0], "q": totals[1]})
    document_of = np.repeat(np.arange(len(PAIRS)), PAIRS)
    for batch in (loader.batch(2, slice(None)), loader.held_out("p", 8), loader.held_out("q", 8)):
        assert batch.reference_logps is not None and batch.reference_logps.dtype == np.float32
        first = (batch.positions == 0) & (batch.segment_ids > 0)
        source, token = np.divmod(batch.tokens[first], OF_SOURCE)
        np.testing.assert_array_equal(batch.reference_logps[first], totals[source, document_of[token]])
        np.testing.assert_array_equal(batch.reference_logps[~first], 0.0)
    assert_same(loader.batch(2, slice(None))._replace(reference_logps=None), without)
    assert loader.fingerprint != fingerprint, "a run should not resume with another reference"


def test_unlike_or_too_long_records_are_refused(tmp_path: Path, stores: dict[str, Store]) -> None:
    pairs = write_store(tmp_path / "pairs", 2, PAIRS, documents_per_record=2)
    with pytest.raises(InputError, match=r"kto 3\), not a 1, pairs 2: take"):
        Loader({"a": stores["a"], "pairs": pairs}, mixture((0, {"a": 1.0, "pairs": 1.0})), data(sequence_length=24), 0)
    longest = max(a + b - 2 for a, b in zip(PAIRS[::2], PAIRS[1::2], strict=True))
    assert (
        Loader({"pairs": pairs}, mixture((0, {"pairs": 1.0})), data(sequence_length=longest), 0).held_out_sources == ()
    )
    with pytest.raises(
        InputError,
        match=rf"a record of pairs takes {longest} positions of a row, and data.sequence_length is {longest - 1}",
    ):
        Loader({"pairs": pairs}, mixture((0, {"pairs": 1.0})), data(sequence_length=longest - 1), 0)


def test_batches_of_texts_are_those_of_the_first_version(loader: Loader) -> None:
    """Compare with hashes from when a batch had five arrays; checkpoints of that time contain this fingerprint."""
    hashed = hashlib.sha256()
    for step in (0, 3, 50):
        for array in loader.batch(step, slice(None))[:5]:
            hashed.update(array.tobytes())
    assert (loader.fingerprint, hashed.hexdigest()[:16]) == ("47ae00b0bf219cca25173d1331e34840", "4a8ef98ec911befb")


def test_the_source_of_each_row_is_that_of_its_fragments(loader: Loader) -> None:
    assert loader.trained_sources == ("a", "b")
    for step in (0, 3, 50):
        assert loader.row_sources(step) == [fragments[0].source for fragments in loader.trace(step)]
