import resource
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile, write_arrays
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import bounds, by_part, gather, starts_of_runs, within

HASH = st.integers(0, 2**64 - 1) | st.sampled_from([0, 2**63 - 1, 2**63, 2**64 - 1])


@given(st.lists(HASH), st.integers(1, 9))
def test_every_hash_is_in_one_range(hashes: list[int], count: int) -> None:
    ordered = np.sort(np.array(hashes, np.uint64))
    pieces = [ordered[within(ordered, index, count)] for index in range(count)]
    assert np.array_equal(np.concatenate(pieces), ordered)
    for index, piece in enumerate(pieces):
        first, stop = bounds(index, count)
        assert all(first <= value < stop for value in piece.tolist())


def test_more_files_are_read_than_a_process_may_open(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_arrays(path, "numbers", {}, {"hashes": np.array([1, 1 << 63], np.uint64), "rows": np.array([7, 8])})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        files = [ArrayFile(path, "numbers", {}) for _ in range(400)]
        assert gather(files, "hashes", ["rows"], 1, 2)[0].tolist() == [8] * 400
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_rows_of_a_part_come_together() -> None:
    addresses = np.array([2 << 32 | 5, 0 << 32 | 1, 2 << 32 | 0, 7 << 32 | (1 << 32) - 1], np.uint64)
    found = [(part, positions.tolist(), rows.tolist()) for part, positions, rows in by_part(addresses)]
    assert found == [(0, [1], [1]), (2, [2, 0], [0, 5]), (7, [3], [2**32 - 1])]
    assert list(by_part(addresses[:0])) == []


def test_a_run_starts_where_any_array_changes() -> None:
    assert starts_of_runs(np.array([1, 1, 1, 2]), np.array([3, 3, 4, 4])).tolist() == [True, False, True, True]
    assert starts_of_runs(np.empty(0)).tolist() == []
