import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.data import packing
from tanuki_jax.data.packing import Plan, Settings, Spans, best_fit, in_split, plan


@dataclasses.dataclass
class Documents:
    """Documents of the given numbers of tokens; unless told otherwise, all texts differ."""

    fingerprint: str
    digests: npt.NDArray[np.uint64]
    offsets: npt.NDArray[np.int64]


def documents(sizes: list[int], digests: list[int] | None = None) -> Documents:
    hashes = np.arange(len(sizes)) if digests is None else np.array(digests)
    return Documents("some store", hashes.astype(np.uint64), np.concatenate(([0], np.cumsum(sizes))).astype(np.int64))


def settings(**changes: object) -> Settings:
    standard = Settings(sequence_length=16, window_documents=1000, held_out_share=0.0, split="train", seed=0, epoch=0)
    return dataclasses.replace(standard, **changes)  # type: ignore[arg-type]


def whole(made: Plan) -> Spans:
    return made.spans(np.arange(made.rows))


def naive_best_fit_decreasing(lengths: list[int], sequence_length: int) -> list[int]:
    """Room left in every row, by trying all rows for every item."""
    rooms: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [room for room in rooms if room >= length]
        room = min(fitting, default=sequence_length)
        if fitting:
            rooms.remove(room)
        rooms.append(room - length)
    return rooms


lengths_up_to_24 = st.lists(st.integers(1, 24), max_size=80)


@given(lengths_up_to_24)
def test_rows_are_as_full_as_those_of_best_fit_decreasing_done_naively(lengths: list[int]) -> None:
    row_of, rows = best_fit(np.array(lengths, np.int64), 24)
    filled = np.bincount(row_of, weights=lengths, minlength=rows)
    assert sorted(24 - filled) == sorted(naive_best_fit_decreasing(lengths, 24))


@given(st.lists(st.integers(1, 70), max_size=60), st.integers(1, 24), st.integers(1, 40), st.integers(0, 3))
def test_every_prediction_of_every_document_lies_in_one_place(sizes: list[int], sequence_length: int, window: int, epoch: int) -> None:
    store = documents(sizes)
    made = plan(store, settings(sequence_length=sequence_length, window_documents=window, epoch=epoch), Path())
    spans = whole(made)
    inputs = [(d, s + i) for d, s, n in zip(spans.documents, spans.starts, spans.lengths, strict=True) for i in range(n)]
    assert sorted(inputs) == [(document, place) for document, size in enumerate(sizes) for place in range(size - 1)]
    row_of = np.repeat(np.arange(made.rows), spans.row_sizes)
    filled = np.bincount(row_of, weights=spans.lengths, minlength=made.rows)
    assert (filled <= sequence_length).all() and (filled > 0).all()


@given(st.lists(st.integers(2, 40), min_size=1, max_size=60), st.integers(1, 20))
def test_all_epochs_have_the_same_number_of_rows(sizes: list[int], window: int) -> None:
    rows = {plan(documents(sizes), settings(window_documents=window, epoch=epoch), Path()).rows for epoch in range(4)}
    assert len(rows) == 1


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    store = documents([17] * 200)
    orders = {tuple(whole(plan(store, settings(seed=seed, epoch=epoch), Path())).documents) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4


def test_rows_are_read_in_any_order() -> None:
    made = plan(documents([5, 9, 12, 3, 40, 7]), settings(), Path())
    backwards = np.arange(made.rows)[::-1]
    assert [n for row in backwards for n in made.spans(np.array([row])).documents] == list(made.spans(backwards).documents)


def test_real_looking_lengths_leave_less_than_two_percent_of_padding() -> None:
    sizes = np.random.default_rng(0).lognormal(5.5, 1.2, 20_000).astype(int).clip(2, 50_000).tolist()
    for sequence_length in (512, 2048, 8192):
        made = plan(documents(sizes), settings(sequence_length=sequence_length, window_documents=10_000), Path("never written"))
        assert sum(sizes) - len(sizes) > 0.98 * made.rows * sequence_length


def test_long_and_short_documents_lie_anywhere_in_the_epoch_and_in_their_rows() -> None:
    sizes = np.random.default_rng(0).integers(2, 60, 8000).tolist()
    made = plan(documents(sizes), settings(sequence_length=64), Path())
    spans = whole(made)
    row_of = np.repeat(np.arange(made.rows), spans.row_sizes)
    place = packing.ranges(spans.row_sizes) / np.repeat(spans.row_sizes, spans.row_sizes)
    several = np.repeat(spans.row_sizes, spans.row_sizes) == 2  # the number of pieces in a row does depend on their lengths
    assert abs(np.corrcoef(row_of, spans.lengths)[0, 1]) < 0.03
    assert abs(np.corrcoef(place[several], spans.lengths[several])[0, 1]) < 0.05


def test_the_order_is_the_same_on_every_machine_until_the_version_changes() -> None:
    spans = whole(plan(documents(list(range(2, 90))), settings(window_documents=30, epoch=3, held_out_share=0.1), Path()))
    columns = b"".join(column.astype("<i8").tobytes() for column in spans)
    assert (packing.VERSION, hashlib.sha256(columns).hexdigest()[:16]) == (1, "9eadf248387e330f")


def test_equal_texts_are_on_one_side_of_the_split() -> None:
    digests = np.random.default_rng(0).integers(0, 300, 1000).tolist()
    store = documents([5] * 1000, digests)
    held_out, train = (set(in_split(store, settings(split=split, held_out_share=0.3)).tolist()) for split in ("held_out", "train"))
    assert held_out | train == set(range(1000)) and not held_out & train
    assert not {digests[n] for n in held_out} & {digests[n] for n in train}


def test_the_share_is_that_of_the_documents() -> None:
    store = documents([5] * 20_000)
    assert in_split(store, settings(split="held_out", held_out_share=0.05)).size == pytest.approx(1000, rel=0.1)


@pytest.mark.parametrize(
    ("share", "digests", "held_out"), [(0.001, [7, 7, 8], (1, 2)), (1.0, [7, 8, 9], (2,)), (0.5, [7, 7], (0,)), (0.0, [7, 8], (0,))]
)
def test_a_small_store_has_both_sides_if_it_has_two_texts(share: float, digests: list[int], held_out: tuple[int, ...]) -> None:
    assert in_split(documents([4] * len(digests), digests), settings(split="held_out", held_out_share=share)).size in held_out


def test_a_document_of_one_token_has_nothing_to_predict() -> None:
    assert in_split(documents([1, 2, 1]), settings()).tolist() == [1]
    assert plan(documents([1, 1]), settings(), Path()).rows == 0


def test_a_plan_from_disk_is_the_plan_that_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = documents(np.random.default_rng(0).integers(1, 60, 500).tolist())
    made = whole(plan(store, settings(window_documents=90), tmp_path / "plans"))
    assert not (tmp_path / "plans").exists()
    monkeypatch.setattr(packing, "KEPT_FROM_PIECES", 0)
    written = whole(plan(store, settings(window_documents=90), tmp_path / "plans"))
    monkeypatch.setattr(packing, "windows", None)
    read = whole(plan(store, settings(window_documents=90), tmp_path / "plans"))
    for column, same, again in zip(made, written, read, strict=True):
        np.testing.assert_array_equal(column, same)
        np.testing.assert_array_equal(column, again)


def test_plans_of_other_settings_and_stores_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "KEPT_FROM_PIECES", 0)
    store = documents([5, 9, 30])
    other = dataclasses.replace(store, fingerprint="another")
    for changed in (
        settings(),
        settings(epoch=1),
        settings(seed=1),
        settings(sequence_length=8),
        settings(split="held_out", held_out_share=0.1),
    ):
        plan(store, changed, tmp_path)
    plan(other, settings(), tmp_path)
    assert len(list(tmp_path.iterdir())) == 6


def test_a_plan_that_cannot_be_finished_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = packing.windows

    def ends_early(*arguments: object) -> Iterator[Spans]:
        yield next(real(*arguments))  # type: ignore[arg-type]
        raise OSError("the disk is gone")

    monkeypatch.setattr(packing, "KEPT_FROM_PIECES", 0)
    monkeypatch.setattr(packing, "windows", ends_early)
    with pytest.raises(OSError, match="the disk is gone"):
        plan(documents([5, 9, 30]), settings(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_one_plan_do_not_disturb_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "KEPT_FROM_PIECES", 0)
    real, store = packing.windows, documents([5, 9, 30])

    def while_another_writes(*arguments: object) -> Iterator[Spans]:
        monkeypatch.setattr(packing, "windows", real)
        plan(store, settings(), tmp_path)
        yield from real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(packing, "windows", while_another_writes)
    assert Counter(whole(plan(store, settings(), tmp_path)).documents.tolist()) == {0: 1, 1: 1, 2: 2}
    assert len(list(tmp_path.iterdir())) == 1
