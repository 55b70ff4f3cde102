import dataclasses
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from tanuki_jax.config.serialize import from_json, to_json
from tanuki_jax.data import packing
from tanuki_jax.data.packing import Plan, Settings, in_split
from tanuki_jax.data.read_positions import Reading, ReadPosition, RowsRead, SourceOrder, begin, make_plan
from tests.data.test_packing import Documents, all_rows, documents, settings

several_settings = st.lists(
    st.builds(
        lambda length, window, share, seed: settings(
            sequence_length=length, window_documents=window, held_out_share=share, seed=seed, epoch=2
        ),
        st.integers(1, 24),
        st.integers(1, 40),
        st.sampled_from([0.0, 0.2, 0.5]),
        st.integers(0, 1),
    ),
    min_size=2,
    max_size=4,
)


def documents_in(store: Documents, of: Settings) -> npt.NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *in_split(store, of)])


def tokens(plan: Plan, rows: Sequence[int]) -> Counter[tuple[int, int]]:
    """Return the inputs, document and token, in rows of a plan."""
    spans = plan.spans(np.array(rows, np.int64))
    return Counter(
        (d, s + i)
        for d, s, n in zip(spans.documents.tolist(), spans.starts.tolist(), spans.lengths.tolist(), strict=True)
        for i in range(n)
    )


def inputs_of_split(store: Documents, chosen: Settings) -> Counter[tuple[int, int]]:
    """Return every input of a split's documents, once."""
    sizes = np.diff(store.offsets)
    return Counter((d, i) for d in documents_in(store, chosen).tolist() for i in range(sizes[d] - 1))


@limits(deadline=None)
@given(st.lists(st.integers(1, 70), max_size=40), several_settings, st.randoms(use_true_random=False))
def test_what_is_left_of_an_epoch_is_what_nobody_has_read(
    sizes: list[int], chosen: list[Settings], chance: random.Random
) -> None:
    store = documents(sizes)
    read: tuple[RowsRead, ...] = ()
    so_far: Counter[tuple[int, int]] = Counter()
    for each in chosen:
        plan = make_plan(store, (*read, RowsRead(settings=each, rows=0)), Path(), 10**9)
        left = tokens(plan, range(plan.rows))
        wanted = inputs_of_split(store, each)
        assert left == wanted - so_far and set((left + so_far).values()) <= {1}
        assert sum(plan.spans(np.arange(plan.rows)).lengths) == left.total()
        filled = np.bincount(
            np.repeat(np.arange(plan.rows), all_rows(plan).row_sizes), all_rows(plan).lengths, minlength=plan.rows
        )
        assert (filled > 0).all() and (filled <= each.sequence_length).all()
        rows = chance.randint(0, plan.rows)
        first = chance.randint(rows, plan.rows)
        end = chance.randint(first, plan.rows)
        read = (*read, RowsRead(settings=each, rows=rows, left_out=((first, end),)))
        so_far += tokens(plan, [*range(rows), *range(first, end)])


def test_the_rest_of_an_epoch_of_which_nothing_is_read_is_the_epoch() -> None:
    store = documents(np.random.default_rng(0).integers(1, 60, 200).tolist())
    nothing = RowsRead(settings=settings(seed=9), rows=0)
    rest = make_plan(store, (nothing, RowsRead(settings=settings(window_documents=50, epoch=3), rows=0)), Path(), 10**9)
    whole = packing.plan(store, settings(window_documents=50, epoch=3), Path())
    for column, same in zip(all_rows(rest), all_rows(whole), strict=True):
        np.testing.assert_array_equal(column, same)


def test_the_records_that_are_left_are_uncut_and_whole() -> None:
    chance = np.random.default_rng(0)
    sizes = chance.integers(2, 9, 120).tolist()
    store = dataclasses.replace(
        documents(sizes, [n // 3 for n in range(120)]), has_learned=True, documents_per_record=3
    )
    before = RowsRead(settings=settings(sequence_length=24, held_out_share=0.3), rows=7)
    after = settings(sequence_length=40, held_out_share=0.1, seed=1)
    rest = all_rows(make_plan(store, (before, RowsRead(settings=after, rows=0)), Path(), 10**9))
    read = set(make_plan(store, (before,), Path(), 10**9).spans(np.arange(7)).documents.tolist())
    assert not rest.starts.any() and rest.lengths.tolist() == [sizes[n] - 1 for n in rest.documents]
    assert rest.documents.tolist() == [first + n for first in rest.documents[::3] for n in range(3)]
    assert sorted(rest.documents.tolist()) == sorted(set(documents_in(store, after).tolist()) - read)


def test_the_plan_of_a_rest_has_a_folder_of_its_own(tmp_path: Path) -> None:
    store = documents([5, 9, 30, 12])
    for rows in (1, 2):
        read = (RowsRead(settings=settings(), rows=rows), RowsRead(settings=settings(seed=1), rows=0))
        written, made = (all_rows(make_plan(store, read, tmp_path, kept_from)) for kept_from in (0, 10**9))
        for column, same in zip(written, made, strict=True):
            np.testing.assert_array_equal(column, same)
    assert len(list(tmp_path.iterdir())) == 3  # the whole epoch, which the rests are left of, too


class Run:
    """Run that reads a store, from a position on."""

    def __init__(self, store: Documents, position: ReadPosition | None, chosen: Settings) -> None:
        self.chosen, self.store = chosen, store
        self.begins = begin(position, store, chosen)
        self.order = SourceOrder(self.begins, self.plan)

    def plan(self, epoch: int) -> Plan:
        if epoch == self.begins.epoch:
            return make_plan(self.store, self.begins.read, Path(), 10**9)
        return packing.plan(self.store, dataclasses.replace(self.chosen, epoch=epoch), Path())

    def read(self, rows: Sequence[int]) -> Counter[tuple[int, int, int]]:
        """Return the inputs, each with its epoch, in some rows."""
        found: Counter[tuple[int, int, int]] = Counter()
        for epoch, row in zip(*(values.tolist() for values in self.order.locate(np.array(rows))), strict=True):
            found.update((epoch, *token) for token in tokens(self.plan(epoch), [row]))
        return found

    def share(self, position: ReadPosition) -> float:
        """Return the share of rows of an epoch that are behind a position, in rows of the run's settings."""
        remain = self.plan(position.epoch).rows - position.read[-1].rows
        return 1 - remain / self.plan(position.epoch + 1).rows


STORE = documents([5, 40, 17, 1, 2, 30, 8, 8, 9, 3] * 4)


@limits(deadline=None, max_examples=12)
@given(st.lists(st.tuples(st.sampled_from([8, 16, 24]), st.integers(0, 1), st.integers(0, 70)), min_size=1, max_size=5))
def test_runs_that_read_on_finish_each_epoch_before_the_next(runs: list[tuple[int, int, int]]) -> None:
    position: ReadPosition | None = None
    everything: Counter[tuple[int, int, int]] = Counter()
    for length, seed, rows in runs:
        run = Run(STORE, position, settings(sequence_length=length, seed=seed))
        everything += run.read(range(rows))
        position = run.order.position(rows, ())
        assert set(everything.values()) <= {1}
        for epoch in range(position.epoch):
            read = Counter(token[1:] for token in everything if token[0] == epoch)
            assert read == inputs_of_split(STORE, run.chosen)
        assert run.order.epochs(rows) == pytest.approx(position.epoch + run.share(position), abs=1e-9)


def test_a_run_with_the_same_settings_reads_the_next_rows() -> None:
    one = Run(STORE, None, settings())
    two = Run(STORE, one.order.position(13, ()), settings())
    assert two.begins.read == (RowsRead(settings=settings(), rows=13),)
    for alone, together in zip(two.order.locate(np.arange(60)), one.order.locate(np.arange(13, 73)), strict=True):
        np.testing.assert_array_equal(alone, together)
    assert two.order.epochs(9) == one.order.epochs(22) and two.order.position(9, ()) == one.order.position(22, ())


def test_rows_that_are_skipped_later_count_as_read_in_their_epoch() -> None:
    first = Run(STORE, None, settings())
    whole = first.plan(0).rows
    position = first.order.position(4, [(6, 8), (3, 3), (whole - 1, whole + 5), (whole + 9, whole + 11)])
    assert position.read == (RowsRead(settings=settings(), rows=4, left_out=((6, 8), (whole - 1, whole))),)
    second = Run(STORE, position, settings())
    rest = second.read(range(second.plan(0).rows))
    assert rest + first.read([0, 1, 2, 3, 6, 7, whole - 1]) == first.read(range(whole))


def test_a_place_of_other_documents_does_not_count() -> None:
    position = ReadPosition(store=STORE.fingerprint, read=(RowsRead(settings=settings(), rows=3),))
    fresh = begin(None, STORE, settings())
    assert fresh.at_start and not position.at_start
    assert begin(position, STORE, settings()) == position
    assert begin(dataclasses.replace(position, store="another"), STORE, settings()) == fresh
    assert begin(dataclasses.replace(position, version=packing.VERSION + 1), STORE, settings()) == fresh


def test_settings_under_which_nothing_was_read_leave_no_trace() -> None:
    first, other = settings(), settings(seed=5)
    position = ReadPosition(
        store=STORE.fingerprint, read=(RowsRead(settings=first, rows=3), RowsRead(settings=other, rows=0))
    )
    assert begin(position, STORE, first).read == position.read[:1]
    assert begin(position, STORE, other) == position
    untouched = dataclasses.replace(position, read=(RowsRead(settings=dataclasses.replace(first, epoch=2), rows=0),))
    assert begin(untouched, STORE, other).read == (RowsRead(settings=dataclasses.replace(other, epoch=2), rows=0),)


def test_a_reading_is_read_back_from_json() -> None:
    position = ReadPosition(
        store="some",
        read=(RowsRead(settings=settings(held_out_share=0.1), rows=3, left_out=((4, 6),)),),
    )
    reading = Reading(begins={"a": position}, batch_rows=((0, 8), (5, 16)), positions={"a": position, "b": position})
    assert from_json(to_json(reading), Reading) == reading


def test_a_size_of_batches_is_recorded_where_it_begins() -> None:
    assert Reading().onward(0, 8).batch_rows == Reading().onward(5, 8).batch_rows == ((0, 8),)
    changed = Reading(batch_rows=((0, 8),)).onward(5, 16)
    assert (
        changed.batch_rows == changed.onward(5, 16).batch_rows == changed.onward(9, 16).batch_rows == ((0, 8), (5, 16))
    )
    assert changed.onward(5, 4).batch_rows == ((0, 8), (5, 4)) and changed.onward(5, 8).batch_rows == ((0, 8),)
    assert changed.onward(7, 4).batch_rows == ((0, 8), (5, 16), (7, 4))
