"""Loaders that read on where another one stopped."""

from collections import Counter
from collections.abc import Iterable, Mapping

import pytest

from tanuki_jax.data.loader import Loader
from tanuki_jax.data.read_positions import Reading
from tanuki_jax.data.store import Store
from tests.data.test_loader import SIZES, assert_same, data, mixture


def read_in(loader: Loader, steps: Iterable[int]) -> Counter[tuple[str, int, int, int]]:
    """Return source, epoch, document and token of every input of some data steps."""
    return Counter(
        (part.source, part.epoch, part.document, part.start + n)
        for step in steps
        for row in loader.trace(step)
        for part in row
        for n in range(part.length)
    )


def assert_epochs_in_turn(
    read: Counter[tuple[str, int, int, int]], reading: Reading, sizes: Mapping[str, list[int]]
) -> None:
    """No input may be read twice in an epoch, and every epoch before the present one must be complete."""
    assert set(read.values()) == {1}
    for name, position in reading.positions.items():
        whole = {(document, token) for document, size in enumerate(sizes[name]) for token in range(size - 1)}
        for epoch in range(position.epoch):
            assert {key[2:] for key in read if key[:2] == (name, epoch)} == whole


def after(old: Loader, data_step: int, *skipped: int) -> Reading:
    """Return the reading of a run that begins where another one stopped."""
    return Reading(begins=old.reading(data_step, skipped).positions)


@pytest.mark.parametrize(
    ("changes", "seed"),
    [
        ({"batch_rows": 5}, 0),
        ({"sequence_length": 24}, 0),
        ({"window_documents": 7}, 0),
        ({}, 1),
        ({"sequence_length": 10, "batch_rows": 3}, 2),
    ],
)
def test_a_run_that_reads_on_reads_no_token_of_an_epoch_twice(
    stores: dict[str, Store], loader: Loader, changes: dict[str, object], seed: int
) -> None:
    """Twice: a new run, and a new run of the new run, with other weights, a source less and it again."""
    old = read_in(loader, range(6))
    new = Loader({"a": stores["a"]}, mixture((0, {"a": 1.0})), data(**changes), seed)
    new.set_reading(after(loader, 6))
    assert new.continued == ("a",)
    newer = Loader(stores, mixture((0, {"b": 4.0, "a": 1.0})), data(), seed)
    newer.set_reading(after(new, 2))
    assert newer.continued == ("b", "a")
    read = old + read_in(new, range(2)) + read_in(newer, range(20))
    reached = newer.reading(20, ())
    assert min(position.epoch for position in reached.positions.values()) >= 1
    assert_epochs_in_turn(read, reached, SIZES)
    assert newer.epochs(0)["b"] == loader.epochs(6)["b"]


def test_with_the_same_weights_and_settings_the_batches_go_on(stores: dict[str, Store]) -> None:
    one = Loader(stores, mixture((0, {"a": 1.0})), data(), seed=0)
    two = Loader(stores, mixture((0, {"a": 1.0})), data(), seed=0)
    two.set_reading(after(one, 7))
    for step in range(12):
        assert_same(two.batch(step, slice(None)), one.batch(step + 7, slice(None)))
    assert two.epochs(3) == one.epochs(10)


def test_held_out_documents_are_read_where_they_are_no_longer_held_out(stores: dict[str, Store]) -> None:
    held = Loader(stores, mixture((0, {"a": 1.0})), data(held_out_share=0.4), seed=0)
    new = Loader(stores, mixture((0, {"a": 1.0})), data(), seed=0)
    new.set_reading(after(held, 1))
    old, read = read_in(held, range(1)), read_in(new, range(9))
    in_training = {key[2] for key in read_in(held, range(20))}
    assert {key[2] for key in read if key[1] == 0} > {n for n, size in enumerate(SIZES["a"]) if size > 1} - in_training
    assert_epochs_in_turn(old + read, new.reading(9, ()), SIZES)


def test_skipped_data_count_as_read(stores: dict[str, Store], loader: Loader) -> None:
    """Also those that the checkpoint of the run has not reached."""
    new = Loader(stores, mixture((0, {"a": 1.0, "b": 1.0})), data(), seed=0)
    new.set_reading(after(loader, 2, 1, 3, 4))
    first_epoch = [key for key in read_in(loader, (0, 1, 3, 4)) if key[1] == 0]
    read = read_in(new, range(12))
    assert not read.keys() & set(first_epoch)
    assert_epochs_in_turn(Counter(first_epoch) + read, new.reading(12, ()), SIZES)


def test_other_batches_from_a_data_step_on_keep_every_document(stores: dict[str, Store], loader: Loader) -> None:
    changed = Loader(stores, mixture((0, {"a": 2.0, "b": 1.0})), data(batch_rows=24), seed=0)
    assert not changed.has_made(loader.fingerprint_before(4), 4)
    reading = loader.reading(4, ()).onward(4, 24)
    changed.set_reading(reading)
    assert changed.has_made(loader.fingerprint_before(4), 4) and changed.has_made(loader.fingerprint, 4)
    assert changed.fingerprint_before(4) == loader.fingerprint_before(4)
    assert changed.fingerprint_before(5) not in (loader.fingerprint_before(5), changed.fingerprint_before(4))
    for step in range(4):
        assert_same(changed.batch(step, slice(None)), loader.batch(step, slice(None)))
        assert changed.trace(step) == loader.trace(step)
    assert changed.trace(4) == [row for step in (4, 5, 6) for row in loader.trace(step)]
    assert changed.batch(4, slice(None)).tokens.shape == (24, 16)
    assert (changed.stage(3), changed.stage(4)) == (0, 1)
    assert changed.reading(5, ()).positions == loader.reading(7, ()).positions
    assert changed.reading(5, ()).batch_rows == ((0, 8), (4, 24))


def test_the_fingerprint_has_the_places_where_sources_begin(stores: dict[str, Store], loader: Loader) -> None:
    stages = ((0, {"a": 1.0}), (3, {"a": 1.0, "b": 1.0}))
    plain, new, early = (Loader(stores, mixture(*stages), data(), seed=0) for _ in range(3))
    new.set_reading(after(loader, 6))
    early.set_reading(Reading(begins={"a": loader.reading(6, ()).positions["a"]}))
    assert len({each.fingerprint for each in (plain, new, early)}) == 3
    assert new.fingerprint_before(3) == early.fingerprint_before(3) != plain.fingerprint_before(3)
    new.set_reading(after(loader, 0))
    assert new.fingerprint == plain.fingerprint and new.continued == ()
