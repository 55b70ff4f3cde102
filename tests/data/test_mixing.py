import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.data.mixing import PERIOD, VERSION, RowMixture, interleave, quantized

positive_weights = st.lists(st.floats(1e-7, 1e3), min_size=1, max_size=8)


def mixture(*stages: tuple[int, dict[str, float]]) -> Mixture:
    names = list(dict.fromkeys(itertools.chain(*(weights for _, weights in stages))))
    return Mixture(
        sources=tuple(Source(name=name) for name in names),
        stages=tuple(Stage(from_step=from_step, weights=weights) for from_step, weights in stages),
    )


def read(rows: RowMixture, batch_rows: int, steps: range) -> list[tuple[str, int]]:
    """Return source and row of the source, for every row of the data steps."""
    batches = [rows.rows(step, np.arange(batch_rows)) for step in steps]
    return [
        (rows.sources[s], n)
        for part in batches
        for s, n in zip(part.sources.tolist(), part.indices.tolist(), strict=True)
    ]


def counted(source_of: npt.NDArray[np.int64], sources: int) -> npt.NDArray[np.int64]:
    """Return int64[PERIOD, sources]: rows of each source among the first n + 1."""
    return np.cumsum(source_of[:, None] == np.arange(sources), axis=0, dtype=np.int64)


@given(positive_weights)
def test_weights_become_whole_rows_near_their_share(weights: list[float]) -> None:
    shares = quantized(weights)
    exact = np.array(weights) / sum(weights) * PERIOD
    assert shares.sum() == PERIOD and (shares > 0).all()
    assert (np.abs(shares - exact) < max(1, (exact < 1).sum())).all()


@settings(max_examples=30, deadline=None)
@given(positive_weights)
def test_every_prefix_holds_each_source_in_its_share_within_the_bound(weights: list[float]) -> None:
    shares = quantized(weights)
    source_of, _ = interleave(shares)
    due = np.arange(1, PERIOD + 1)[:, None] * shares / PERIOD
    bound = 0.5 + shares / PERIOD * len(shares) / 2
    assert (np.abs(counted(source_of, len(shares)) - due) <= bound + 1e-9).all()


def test_equal_weights_take_turns() -> None:
    rows = RowMixture(mixture((0, {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0})), 8)
    assert [source for source, _ in read(rows, 8, range(3))] == ["a", "b", "c", "d"] * 6


def test_the_order_is_the_same_on_every_machine_until_the_version_changes() -> None:
    sources, indices = RowMixture(mixture((0, {"a": 0.5, "b": 0.3, "c": 0.2})), 10).rows(7, np.arange(10))
    assert VERSION == 1
    assert sources.tolist() == [0, 1, 2, 0, 1, 0, 0, 2, 1, 0]
    assert indices.tolist() == [35, 21, 14, 36, 22, 37, 38, 15, 23, 39]


stages = st.lists(
    st.tuples(st.integers(1, 9), st.lists(st.sampled_from([0.0, 0.1, 1.0, 2.5, 40.0]), min_size=3, max_size=3)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=30, deadline=None)
@given(
    stages.filter(lambda stages: all(sum(weights) for _, weights in stages)),
    st.sampled_from([1, 7, 64, 40_000]),
    st.lists(
        st.tuples(st.integers(1, 20), st.sampled_from([1, 3, 30_000])), max_size=3, unique_by=lambda size: size[0]
    ),
)
def test_every_source_is_read_row_after_row_through_all_stages(
    lengths: list[tuple[int, list[float]]], batch_rows: int, changes: list[tuple[int, int]]
) -> None:
    starts = [0, *itertools.accumulate(length for length, _ in lengths)]
    chosen = mixture(
        *((start, dict(zip("abc", weights, strict=True))) for start, (_, weights) in zip(starts, lengths, strict=False))
    )
    sizes = [(0, batch_rows), *sorted(changes)]
    rows = RowMixture(chosen, sizes[-1][1], sizes if changes else ())
    batches = [rows.rows(step, np.arange(rows.batch_rows(step))) for step in range(starts[-1])]
    assert [len(part.sources) for part in batches] == [
        max(size for size in sizes if size[0] <= step)[1] for step in range(starts[-1])
    ]
    for source, name in enumerate(rows.sources):
        indices = np.concatenate([part.indices[part.sources == source] for part in batches])
        np.testing.assert_array_equal(indices, np.arange(len(indices)))
        assert rows.consumed(starts[-1])[name] == len(indices)


def test_a_later_stage_changes_no_earlier_row_and_skips_none() -> None:
    before = RowMixture(mixture((0, {"a": 3.0, "b": 1.0})), 16)
    after = RowMixture(mixture((0, {"a": 3.0, "b": 1.0}), (5, {"a": 1.0, "b": 9.0})), 16)
    assert read(before, 16, range(5)) == read(after, 16, range(5))
    assert read(before, 16, range(5, 9)) != read(after, 16, range(5, 9))
    assert min(n for source, n in read(after, 16, range(5, 9)) if source == "b") == before.consumed(5)["b"]


def test_other_rows_in_later_batches_change_no_earlier_row_and_skip_none() -> None:
    chosen = mixture((0, {"a": 3.0, "b": 1.0}), (5, {"a": 1.0, "b": 9.0}))
    small, changed = RowMixture(chosen, 4), RowMixture(chosen, 12, [(0, 4), (3, 12)])
    before = read(small, 4, range(3))
    assert read(changed, 4, range(3)) == before
    # Twelve rows are those of three steps of four, as long as no stage begins between.
    assert read(changed, 12, range(3, 4)) == read(RowMixture(mixture((0, {"a": 3.0, "b": 1.0})), 4), 4, range(3, 6))
    assert [changed.size(step) for step in range(5)] == [0, 0, 0, 1, 1]


def test_a_source_of_weight_zero_is_not_read() -> None:
    rows = RowMixture(mixture((0, {"a": 1.0, "b": 0.0}), (2, {"a": 0.0, "b": 1.0})), 4)
    assert [source for source, _ in read(rows, 4, range(4))] == ["a"] * 8 + ["b"] * 8


def test_rows_are_the_same_alone_and_in_a_batch() -> None:
    rows = RowMixture(mixture((0, {"a": 0.7, "b": 0.3})), 50_000)
    together = read(rows, 50_000, range(3))
    for step, row in ((0, 0), (1, 15_536), (2, 49_999)):
        alone = rows.rows(step, np.array([row]))
        assert together[step * 50_000 + row] == (rows.sources[alone.sources[0]], alone.indices[0])


def test_only_the_proportions_of_weights_count() -> None:
    small, large = (RowMixture(mixture((0, {"a": 0.7 * scale, "b": 0.3 * scale})), 4) for scale in (1.0, 1000.0))
    assert small.description() == large.description() == [(0, {"a": 45_875, "b": 19_661})]


@pytest.mark.parametrize("weight", [1e-12, 1e-300])
def test_the_smallest_weight_is_read_once_a_period(weight: float) -> None:
    assert quantized([weight, 1.0, weight]).tolist() == [1, PERIOD - 2, 1]
