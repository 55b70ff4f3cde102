from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile
from tanuki_jax.corpus.cleaning.repeats.count_repeats import (
    COUNTS,
    count_repeats,
    read_repeats,
    select_repeats,
    write_units,
)

ROW = st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 3))
SPREAD = (1 << 64) // 10


@settings(max_examples=30)
@given(
    st.lists(st.lists(ROW, max_size=40), min_size=1, max_size=4),
    st.integers(1, 4),
    st.integers(0, 2),
    st.sampled_from([1, 4, 1_000]),
)
def test_units_are_counted_by_documents_and_hosts(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[list[tuple[int, int, int]]],
    count: int,
    least_hosts: int,
    most_units: int,
) -> None:
    folder = tmp_path_factory.mktemp("units")
    documents: dict[int, set[int]] = defaultdict(set)
    hosts: dict[int, set[int]] = defaultdict(set)
    files = []
    for part, rows in enumerate(parts):
        table = np.array(rows, np.uint64).reshape(-1, 3)
        names = table[:, 1] + np.uint64(100 * part)
        files.append(folder / f"part{part}")
        write_units(files[-1], {"length": 3}, table[:, 0] * np.uint64(SPREAD), names, table[:, 2])
        for unit, document, host in zip(table[:, 0].tolist(), names.tolist(), table[:, 2].tolist(), strict=True):
            documents[unit].add(document)
            hosts[unit] |= {host} - {0}
    expected = {
        unit * SPREAD: (len(names), len(hosts[unit]) if least_hosts else 0, min(names))
        for unit, names in documents.items()
        if len(names) >= 3 and len(hosts[unit]) >= least_hosts
    }
    counted = [folder / f"count{index}" for index in range(count)]
    found: dict[int, list[int]] = {}
    for index, out in enumerate(counted):
        sizes = {"documents": 3, "hosts": least_hosts, "most_units": most_units}
        count_repeats(index, count, files, out, {"length": 3}, **sizes)
        file = ArrayFile(out, COUNTS, {"length": 3})
        columns = (file[name].tolist() for name in ("units", "documents", "hosts", "owners"))
        found |= {unit: row for unit, *row in zip(*columns, strict=True)}
    assert found == {unit: list(row) for unit, row in expected.items()}
    for part, rows in enumerate(parts):
        select_repeats(files[part], counted, folder / "selected", {"length": 3})
        units, owners = read_repeats(folder / "selected", {"length": 3})
        here = sorted({unit * SPREAD for unit, _, _ in rows} & set(expected))
        assert units.tolist() == here
        assert owners.tolist() == [expected[unit][2] for unit in here]
