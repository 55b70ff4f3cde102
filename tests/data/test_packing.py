import dataclasses
import hashlib
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.data import packing
from tanuki_jax.data.packing import Plan, Settings, Spans, best_fit, longest_record, plan


@dataclasses.dataclass
class Documents:
    """Documents with the attributes of a store that the packer reads."""

    fingerprint: str
    digests: npt.NDArray[np.uint64]
    offsets: npt.NDArray[np.int64]
    has_learned: bool = False
    documents_per_record: int = 1


def documents(sizes: list[int], digests: list[int] | None = None) -> Documents:
    """Return documents of these numbers of tokens, whose texts all differ if `digests` are not given."""
    hashes = np.arange(len(sizes)) if digests is None else np.array(digests)
    return Documents("some store", hashes.astype(np.uint64), np.concatenate(([0], np.cumsum(sizes))).astype(np.int64))


def settings(**changes: object) -> Settings:
    standard = Settings(sequence_length=16, window_documents=1000, held_out_share=0.0, split="train", seed=0, epoch=0)
    return dataclasses.replace(standard, **changes)  # type: ignore[arg-type]


def in_split(store: Documents, of: Settings) -> npt.NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *packing.in_split(store, of)])


def all_rows(made: Plan) -> Spans:
    return made.spans(np.arange(made.rows))


def naive_best_fit_decreasing(lengths: list[int], sequence_length: int) -> list[int]:
    """Return the space left in every row, by trying all rows for every item."""
    spaces: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [space for space in spaces if space >= length]
        space = min(fitting, default=sequence_length)
        if fitting:
            spaces.remove(space)
        spaces.append(space - length)
    return spaces


lengths_up_to_24 = st.lists(st.integers(1, 24), max_size=80)


@given(lengths_up_to_24)
def test_rows_are_as_full_as_those_of_a_naive_best_fit_decreasing(lengths: list[int]) -> None:
    row_of, rows = best_fit(np.array(lengths, np.int64), 24)
    filled = np.bincount(row_of, weights=lengths, minlength=rows)
    assert sorted(24 - filled) == sorted(naive_best_fit_decreasing(lengths, 24))


@given(st.lists(st.integers(1, 70), max_size=60), st.integers(1, 24), st.integers(1, 40), st.integers(0, 3))
def test_every_prediction_of_every_document_is_in_one_row(
    sizes: list[int], sequence_length: int, window: int, epoch: int
) -> None:
    store = documents(sizes)
    made = plan(store, settings(sequence_length=sequence_length, window_documents=window, epoch=epoch), Path())
    spans = all_rows(made)
    inputs = [
        (d, s + i) for d, s, n in zip(spans.documents, spans.starts, spans.lengths, strict=True) for i in range(n)
    ]
    assert sorted(inputs) == [(document, token) for document, size in enumerate(sizes) for token in range(size - 1)]
    row_of = np.repeat(np.arange(made.rows), spans.row_sizes)
    filled = np.bincount(row_of, weights=spans.lengths, minlength=made.rows)
    assert (filled <= sequence_length).all() and (filled > 0).all()


@given(st.lists(st.integers(2, 40), min_size=1, max_size=60), st.integers(1, 20))
def test_all_epochs_have_the_same_number_of_rows(sizes: list[int], window: int) -> None:
    rows = {plan(documents(sizes), settings(window_documents=window, epoch=epoch), Path()).rows for epoch in range(4)}
    assert len(rows) == 1


def test_every_epoch_and_seed_has_its_own_order() -> None:
    store = documents([17] * 200)
    orders = {
        tuple(all_rows(plan(store, settings(seed=seed, epoch=epoch), Path())).documents)
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len(orders) == 4


def test_rows_are_read_in_any_order() -> None:
    made = plan(documents([5, 9, 12, 3, 40, 7]), settings(), Path())
    backwards = np.arange(made.rows)[::-1]
    assert [n for row in backwards for n in made.spans(np.array([row])).documents] == list(
        made.spans(backwards).documents
    )


def test_real_looking_lengths_leave_less_than_two_percent_of_padding() -> None:
    sizes = np.random.default_rng(0).lognormal(5.5, 1.2, 20_000).astype(int).clip(2, 50_000).tolist()
    for sequence_length in (512, 2048, 8192):
        made = plan(
            documents(sizes), settings(sequence_length=sequence_length, window_documents=10_000), Path("never written")
        )
        assert sum(sizes) - len(sizes) > 0.98 * made.rows * sequence_length


def test_lengths_do_not_correlate_with_the_position_in_epoch_or_row() -> None:
    sizes = np.random.default_rng(0).integers(2, 60, 8000).tolist()
    made = plan(documents(sizes), settings(sequence_length=64), Path())
    spans = all_rows(made)
    row_of = np.repeat(np.arange(made.rows), spans.row_sizes)
    position = packing.ranges(spans.row_sizes) / np.repeat(spans.row_sizes, spans.row_sizes)
    # The number of fragments in a row depends on their lengths, so rows of one number are compared.
    several = np.repeat(spans.row_sizes, spans.row_sizes) == 2
    assert abs(np.corrcoef(row_of, spans.lengths)[0, 1]) < 0.03
    assert abs(np.corrcoef(position[several], spans.lengths[several])[0, 1]) < 0.05


def test_the_order_is_the_same_on_every_machine_until_the_version_changes() -> None:
    spans = all_rows(
        plan(documents(list(range(2, 90))), settings(window_documents=30, epoch=3, held_out_share=0.1), Path())
    )
    columns = b"".join(column.astype("<i8").tobytes() for column in spans)
    assert (packing.VERSION, hashlib.sha256(columns).hexdigest()[:16]) == (1, "9eadf248387e330f")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "7b681f394b474f0f"),
        ({"sequence_length": 7, "window_documents": 20, "seed": 1, "epoch": 2}, "ff37ef4c384cdcff"),
        ({"sequence_length": 64, "window_documents": 33, "held_out_share": 0.3, "epoch": 1}, "976572d25298212b"),
        (
            {"sequence_length": 64, "window_documents": 33, "held_out_share": 0.3, "split": "held_out"},
            "28dfe596ff5b5a5e",
        ),
    ],
)
def test_plans_of_texts_are_those_of_the_first_version(changes: dict[str, object], expected: str) -> None:
    store = documents([1 + (n * n * 7) % 83 for n in range(150)], [n % 120 for n in range(150)])
    columns = b"".join(column.astype("<i8").tobytes() for column in all_rows(plan(store, settings(**changes), Path())))
    assert hashlib.sha256(columns).hexdigest()[:16] == expected


@given(
    records=st.integers(2, 3).flatmap(
        lambda n: st.lists(st.lists(st.integers(2, 9), min_size=n, max_size=n), max_size=40)
    ),
    window=st.integers(1, 30),
    epoch=st.integers(0, 3),
    share=st.sampled_from([0.0, 0.4]),
)
def test_the_documents_of_a_record_are_uncut_and_in_order_in_one_row(
    records: list[list[int]], window: int, epoch: int, share: float
) -> None:
    together = len(records[0]) if records else 2
    digests = [n // together for n in range(len(records) * together)]
    store = dataclasses.replace(
        documents([size for sizes in records for size in sizes], digests),
        has_learned=True,
        documents_per_record=together,
    )
    packed: list[int] = []
    for split in ("train", "held_out"):
        changed = settings(sequence_length=24, window_documents=window, epoch=epoch, held_out_share=share, split=split)
        made = plan(store, changed, Path())
        for row in range(made.rows):
            sizes, numbers, starts, lengths = made.spans(np.array([row]))
            assert sizes.tolist() == [len(numbers)] and lengths.sum() <= 24 and not starts.any()
            assert lengths.tolist() == [records[n // together][n % together] - 1 for n in numbers]
            firsts = numbers[::together]
            assert (
                numbers.tolist() == [first + n for first in firsts for n in range(together)]
                and not (firsts % together).any()
            )
            packed += numbers.tolist()
    assert sorted(packed) == list(range(len(digests)))


@given(st.lists(st.integers(2, 17), max_size=60), st.integers(1, 30))
def test_chats_are_packed_as_texts_are(sizes: list[int], window: int) -> None:
    store = documents(sizes)
    chats = dataclasses.replace(store, has_learned=True)
    for column, same in zip(
        *(all_rows(plan(each, settings(window_documents=window), Path())) for each in (store, chats)), strict=True
    ):
        np.testing.assert_array_equal(column, same)


def test_windows_of_pairs_have_equally_many_rows_in_every_epoch() -> None:
    sizes = np.random.default_rng(0).integers(2, 8, 400).tolist()
    pairs = dataclasses.replace(
        documents(sizes, [n // 2 for n in range(400)]), has_learned=True, documents_per_record=2
    )
    rows = {plan(pairs, settings(window_documents=30, epoch=epoch), Path()).rows for epoch in range(4)}
    firsts = [
        all_rows(plan(pairs, settings(window_documents=30, epoch=epoch), Path())).documents[0] for epoch in range(4)
    ]
    assert len(rows) == 1 and len(set(firsts)) > 1


def test_the_plan_of_many_documents_is_that_of_the_first_version(tmp_path: Path) -> None:
    """Compare with hashes from when all documents were packed in memory: blocks and orders on disk are used here."""
    numbers = np.arange(600_000)
    for per_record, share, expected in ((1, 0.01, "ab8a651d4cbcf142"), (3, 0.2, "e4df2daa0d889974")):
        sizes = 1 + numbers * numbers * 7 % 13
        sizes[numbers % 7 == 0] = 1
        store = Documents(
            "many",
            (numbers // per_record % 590_000).astype(np.uint64),
            np.concatenate(([0], np.cumsum(sizes))),
            has_learned=per_record > 1,
            documents_per_record=per_record,
        )
        changes = {"window_documents": 60_000, "held_out_share": share, "sequence_length": 48, "epoch": 1}
        made = all_rows(plan(store, settings(**changes), tmp_path))
        columns = b"".join(column.astype("<i8").tobytes() for column in made)
        assert hashlib.sha256(columns).hexdigest()[:16] == expected
    assert len(list(tmp_path.iterdir())) == 2


def test_the_extreme_texts_of_many_documents_are_in_their_splits() -> None:
    store = documents([5] * 600_000)
    for split, share in (("train", 1 - 1e-15), ("held_out", 1e-15)):
        assert in_split(store, settings(split=split, held_out_share=share)).size == 1


def test_the_longest_record_is_that_of_all_documents() -> None:
    store = documents([5, 9, 30, 2, 4, 4])
    assert longest_record(store) == 29 and longest_record(documents([])) == 0
    assert longest_record(dataclasses.replace(store, documents_per_record=2)) == 30


def test_equal_texts_are_in_one_split() -> None:
    digests = np.random.default_rng(0).integers(0, 300, 1000).tolist()
    store = documents([5] * 1000, digests)
    held_out, train = (
        set(in_split(store, settings(split=split, held_out_share=0.3)).tolist()) for split in ("held_out", "train")
    )
    assert held_out | train == set(range(1000)) and not held_out & train
    assert not {digests[n] for n in held_out} & {digests[n] for n in train}


def test_the_held_out_share_is_that_of_the_documents() -> None:
    store = documents([5] * 20_000)
    assert in_split(store, settings(split="held_out", held_out_share=0.05)).size == pytest.approx(1000, rel=0.1)


@pytest.mark.parametrize(
    ("share", "digests", "held_out"),
    [(0.001, [7, 7, 8], (1, 2)), (math.nextafter(1, 0), [7, 8, 9], (2,)), (0.5, [7, 7], (0,)), (0.0, [7, 8], (0,))],
)
def test_a_small_store_has_both_splits_if_it_has_two_texts(
    share: float, digests: list[int], held_out: tuple[int, ...]
) -> None:
    assert (
        in_split(documents([4] * len(digests), digests), settings(split="held_out", held_out_share=share)).size
        in held_out
    )


def test_a_share_of_one_leaves_nothing_to_train_on(tmp_path: Path) -> None:
    store = documents([4, 1, 9, 2], [7, 8, 8, 2**63 - 1])
    assert in_split(store, settings(split="held_out", held_out_share=1.0)).tolist() == [0, 2, 3]
    for kept_from in (0, 100):
        assert plan(store, settings(held_out_share=1.0), tmp_path, kept_from).rows == 0


def test_a_document_of_one_token_has_nothing_to_predict() -> None:
    assert in_split(documents([1, 2, 1]), settings()).tolist() == [1]
    assert plan(documents([1, 1]), settings(), Path()).rows == 0


def test_a_plan_from_disk_is_the_plan_that_was_made(tmp_path: Path) -> None:
    store = documents(np.random.default_rng(0).integers(1, 60, 500).tolist())
    made = all_rows(plan(store, settings(window_documents=90), tmp_path / "plans"))
    assert not (tmp_path / "plans").exists()
    written = all_rows(plan(store, settings(window_documents=90), tmp_path / "plans", kept_from=0))
    for column, same in zip(made, written, strict=True):
        np.testing.assert_array_equal(column, same)


def test_plans_of_other_settings_and_stores_have_folders_of_their_own(tmp_path: Path) -> None:
    store = documents([5, 9, 30])
    other = dataclasses.replace(store, fingerprint="another")
    for changed in (
        settings(),
        settings(epoch=1),
        settings(seed=1),
        settings(sequence_length=8),
        settings(split="held_out", held_out_share=0.1),
    ):
        plan(store, changed, tmp_path, kept_from=0)
    plan(other, settings(), tmp_path, kept_from=0)
    assert len(list(tmp_path.iterdir())) == 6


class Watched(Documents):
    """Documents that call a function whenever `offsets` is read, with the number of times that it was."""

    reads = 0
    on_read: Callable[[int], None] = staticmethod(lambda reads: None)

    def __getattribute__(self, name: str) -> Any:
        if name == "offsets":
            self.reads += 1
            self.on_read(self.reads)
        return super().__getattribute__(name)


def watched(store: Documents, on_read: Callable[[int], None]) -> Documents:
    result = Watched(**{field.name: getattr(store, field.name) for field in dataclasses.fields(store)})
    result.on_read = on_read
    return result


def test_a_plan_on_disk_is_not_made_again(tmp_path: Path) -> None:
    store = documents([5, 9, 30, 12])
    made = all_rows(plan(store, settings(), tmp_path, kept_from=0))
    (kept,) = tmp_path.iterdir()
    np.save(kept / "documents.npy", made.documents[::-1])
    reads: list[int] = []
    read = all_rows(plan(watched(store, reads.append), settings(), tmp_path, kept_from=0))
    assert read.documents.tolist() == made.documents[::-1].tolist() != made.documents.tolist()
    assert reads == [1], "the size of the store decides whether the plan is on disk"


def test_a_plan_that_cannot_be_finished_leaves_no_file(tmp_path: Path) -> None:
    pairs = dataclasses.replace(
        documents([5, 9, 4, 6] * 5, [n // 2 for n in range(20)]), has_learned=True, documents_per_record=2
    )

    def on_read(reads: int) -> None:
        if reads == 6:  # in the second window: the first one is written
            assert len(list(tmp_path.iterdir())) == 1
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        plan(watched(pairs, on_read), settings(window_documents=3), tmp_path, kept_from=0)
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_one_plan_do_not_disturb_each_other(tmp_path: Path) -> None:
    store = documents([5, 9, 30])
    others: list[Plan] = []

    def on_read(reads: int) -> None:
        if list(tmp_path.iterdir()) and not others:  # this writer has begun
            others.append(plan(store, settings(), tmp_path, kept_from=0))

    made = plan(watched(store, on_read), settings(), tmp_path, kept_from=0)
    assert len(others) == 1
    assert Counter(all_rows(made).documents.tolist()) == {0: 1, 1: 1, 2: 2}
    assert len(list(tmp_path.iterdir())) == 1
